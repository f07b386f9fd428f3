//! `sentimeter serve`: the HTTP interface and the pages.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sentimeter_experiment::registry::STARTER;
use sentimeter_serve::inference::Live;
use sentimeter_serve::{
    Announce, App, Certificate, Hooks, Keep, Limits, Models as _, Registry, Settings, Source, name_of_file,
};
use sentimeter_store::{Blocking, Role, Store};
use serde::Serialize;
use tokio::net::TcpListener;

use super::print_json;
use crate::args::{Global, KeepArg, ServeArgs};
use crate::home::Opened;
use crate::{home, interrupt, mlflow, recording};

/// What answers without `--model`, once it is registered.
const CHAMPION: &str = "sentiment@champion";

/// How often it is looked whether another model is to answer, or the certificate was renewed.
const LOOK: Duration = Duration::from_secs(2);

/// What is said once requests are taken.
#[derive(Serialize)]
struct Listening<'a> {
    url: String,
    model: &'a str,
    digest: String,
    /// The first start's; nowhere else from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_key: Option<String>,
}

pub(crate) fn run(global: &Global, args: &ServeArgs) -> anyhow::Result<ExitCode> {
    // A panic's own message may quote the text that it is about, and texts go to no log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        note!("error: a bug at {place}; the request that met it got status 500");
    }));
    let announce =
        mlflow::announcing(global, || Ok(Blocking::open(&global.home, &recording::database(global)?)?))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("serve")
        .build()
        .context("cannot start the server's threads")?;
    runtime.block_on(serve(global, args, announce))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(global: &Global, args: &ServeArgs, announce: Option<Arc<dyn Announce>>) -> anyhow::Result<()> {
    let (stop, stopped) = tokio::sync::oneshot::channel();
    interrupt::instead(move || {
        // Whoever waits for it may be gone: then the end is near anyway.
        let _ = stop.send(());
    });
    let store = Store::open(&global.home, &recording::database(global)?).await?;
    let registry = Registry(store.clone());
    let (source, live) = model(global, args, &registry).await?;
    let (name, digest) = (live.name().to_owned(), live.digest().to_string());
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another address with --listen", args.listen))?;
    let address = listener.local_addr().context("cannot tell the own address")?;
    let certificate = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(Certificate::open(certificate, key)?),
        _ => None,
    };
    let mut settings = settings(global, args, address)?;
    settings.tls = certificate.as_ref().map(Certificate::config).transpose()?;
    settings.announce = announce;
    let app = App::new(live, store.clone(), Arc::new(registry), settings).await?;
    let admin_key =
        store.create_first_key("first", Role::Admin, "first start").await?.map(|(_, secret)| secret);
    let scheme = if args.tls_cert.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let listening = Listening { url, model: &name, digest, admin_key };
    say(global, args, &listening, address)?;
    let watching = tokio::spawn(sentimeter_serve::watch(app.clone(), source, LOOK));
    let renewing = certificate.map(|certificate| tokio::spawn(certificate.watch(LOOK)));
    let days = args.retain.map(std::num::NonZeroU32::get);
    let retaining = tokio::spawn(sentimeter_serve::retain(app.clone(), days));
    let ended = sentimeter_serve::serve(listener, app, async { drop(stopped.await) }).await;
    watching.abort();
    retaining.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    store.close().await;
    ended.context("ended before everything was answered")?;
    if !global.quiet {
        note!("everything that was accepted is answered");
    }
    Ok(())
}

fn settings(global: &Global, args: &ServeArgs, address: SocketAddr) -> anyhow::Result<Settings> {
    let mut settings = Settings {
        loopback: address.ip().is_loopback(),
        hosts: args.host.clone(),
        rate: args.rate(),
        proxies: args.trusted_proxy.clone(),
        cors: args.cors.clone(),
        keep: match args.keep {
            KeepArg::Nothing => Keep::Nothing,
            KeepArg::Hashes => Keep::Hashes,
            KeepArg::Texts => Keep::Texts,
        },
        keep_authors: args.keep_authors,
        hooks: hooks(args)?,
        program: std::env::current_exe().ok(),
        limits: Limits {
            body_bytes: args.max_body,
            upload_bytes: args.max_upload,
            items: args.max_items,
            characters: args.max_characters,
            deadline: Duration::from_secs(args.deadline.get()),
            ..Limits::default()
        },
        ..Settings::default()
    };
    if let Some(threads) = global.threads {
        settings.engine.threads = threads.get();
    }
    Ok(settings)
}

/// Who may send feedback by itself.
fn hooks(args: &ServeArgs) -> anyhow::Result<Hooks> {
    let Some(path) = &args.hooks else { return Ok(Hooks::default()) };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Hooks::read(&text, |name| std::env::var(name).ok())
        .with_context(|| format!("cannot use {}", path.display()))
}

/// The model that answers, and where it comes from: `--model`, else the registered champion, else the home's,
/// else the one that is built in, until there is one of the former.
async fn model(global: &Global, args: &ServeArgs, registry: &Registry) -> anyhow::Result<(Source, Live)> {
    let default = || Source::Default { reference: CHAMPION.to_owned(), file: home::default_model(global) };
    let (reference, source) = match args.model.as_deref() {
        Some(STARTER) => {
            // It never changes, so there is nothing to look at.
            let opened = home::starter()?;
            return Ok((Source::Fixed, live(opened)));
        }
        Some(named) if home::is_file(named) => (None, Source::File(named.into())),
        Some(named) => (Some(named), Source::Registered(named.to_owned())),
        None => (registry.resolve(CHAMPION).await.map(|_| CHAMPION), default()),
    };
    if let Some(reference) = reference {
        let opened = registry.open(reference).await;
        let opened = opened.with_context(|| format!("cannot serve {reference:?}, which is no file"))?;
        return Ok((source, opened));
    }
    Ok((source, live(home::open_unregistered(global, args.model.as_deref().map(Path::new))?)))
}

/// A model that is no registered version, under its file's name.
fn live(opened: Opened) -> Live {
    Live::new(name_of_file(&opened.path, &opened.digest), opened.model, opened.digest)
}

fn say(
    global: &Global,
    args: &ServeArgs,
    listening: &Listening<'_>,
    address: SocketAddr,
) -> anyhow::Result<()> {
    if !address.ip().is_loopback() && args.tls_cert.is_none() && args.trusted_proxy.is_empty() {
        note!(
            "warning: {address} can be reached from other machines, and without TLS keys and texts travel in the \
             clear: give --tls-cert and --tls-key, or put a proxy with TLS in front (--trusted-proxy), or listen on \
             127.0.0.1"
        );
    }
    if global.json {
        return print_json(listening);
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} answers on {}", listening.model, listening.url)?;
    if let Some(key) = &listening.admin_key {
        writeln!(out, "admin key (shown this once): {key}")?;
    }
    out.flush()?;
    Ok(())
}
