//! `sentimeter completions` and the manual page: both come from the command line's own definition.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};

pub(crate) fn run(args: &CompletionsArgs) -> anyhow::Result<ExitCode> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "sentimeter", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Princeton's licence of the lemma tables, which asks to go wherever they go.
const WORDNET: &str = include_str!("../../../text/assets/wordnet/LICENSE");

/// The licence of the fonts that reports carry, which asks the same.
const FONTS: &str = include_str!("../../../report/assets/fonts/OFL.txt");

pub(crate) fn licenses() -> anyhow::Result<ExitCode> {
    writeln!(
        io::stdout(),
        "Sentimeter is licensed under MIT or Apache-2.0, as you choose. English lemmas come from WordNet:\n\n{}\n\n\
         Reports carry fonts:\n\n{}",
        WORDNET.trim_end(),
        FONTS.trim_end()
    )?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn man() -> anyhow::Result<ExitCode> {
    clap_mangen::Man::new(Cli::command()).render(&mut io::stdout())?;
    Ok(ExitCode::SUCCESS)
}
