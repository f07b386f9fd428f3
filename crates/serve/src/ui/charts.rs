//! Charts as numbers for SVG: across in per cent, so that they fit any width without scaling their letters; down
//! in pixels.

use std::collections::BTreeMap;

use crate::insights::Tally;

/// Pixels of the chart of net sentiment, and of that of volume.
pub(crate) const NET: f64 = 120.0;
pub(crate) const VOLUME: f64 = 150.0;

/// Dates below a chart, about.
const DATES: usize = 6;

/// The sentiments that have a colour, in the order in which they are stacked.
const SIDES: [(&str, &str); 3] = [("negative", "neg"), ("neutral", "neu"), ("positive", "pos")];

/// A part of a bar.
pub(crate) struct Part {
    pub(crate) class: &'static str,
    pub(crate) from: String,
    pub(crate) size: String,
    pub(crate) title: String,
}

/// A period's bar.
pub(crate) struct Column {
    pub(crate) x: String,
    pub(crate) width: String,
    /// Where the whole of its place begins, and how wide it is: easier to hit.
    pub(crate) place: String,
    pub(crate) room: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) title: String,
    pub(crate) to: String,
}

/// A piece of a line.
pub(crate) struct Piece {
    pub(crate) x1: String,
    pub(crate) y1: String,
    pub(crate) x2: String,
    pub(crate) y2: String,
}

/// A point of a line.
pub(crate) struct Dot {
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) class: &'static str,
    pub(crate) title: String,
    pub(crate) marked: bool,
}

/// A word at a place.
pub(crate) struct Mark {
    pub(crate) at: String,
    pub(crate) word: String,
    /// Whether a narrow screen leaves it out.
    pub(crate) spare: bool,
}

/// Feedback over time.
pub(crate) struct Time {
    pub(crate) columns: Vec<Column>,
    pub(crate) line: Vec<Piece>,
    pub(crate) dots: Vec<Dot>,
    pub(crate) dates: Vec<Mark>,
    pub(crate) nets: Vec<Mark>,
    pub(crate) most: String,
    pub(crate) zero: String,
}

fn percent(share: f64) -> String {
    format!("{:.3}%", 100.0 * share)
}

fn pixels(at: f64) -> String {
    format!("{at:.1}")
}

/// The class of a net sentiment.
pub(crate) fn class(net: f64) -> &'static str {
    match net {
        net if net > 1.0 => "pos",
        net if net < -1.0 => "neg",
        _ => "neu",
    }
}

/// The parts of a whole, side by side, from 0 to 100 per cent.
pub(crate) fn shares(labels: &BTreeMap<String, i64>, name: impl Fn(&str, i64) -> String) -> Vec<Part> {
    let whole = labels.values().sum::<i64>().max(1) as f64;
    let mut from = 0.0;
    let known = SIDES.iter().map(|(label, class)| (*label, *class, labels.get(*label).copied().unwrap_or(0)));
    let other = labels
        .iter()
        .filter(|(label, _)| SIDES.iter().all(|(known, _)| known != label))
        .map(|(label, count)| (label.as_str(), "neu", *count));
    known
        .chain(other)
        .filter(|(_, _, count)| *count > 0)
        .map(|(label, class, count)| {
            let size = count as f64 / whole;
            let part = Part { class, from: percent(from), size: percent(size), title: name(label, count) };
            from += size;
            part
        })
        .collect()
}

/// A rounded number at least as large as `most`.
fn round(most: i64) -> f64 {
    let most = most.max(4) as f64;
    let unit = 10_f64.powf(most.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * unit).find(|top| *top >= most).unwrap_or(most)
}

/// What a chart needs to say of a period.
pub(crate) struct Said {
    pub(crate) date: String,
    pub(crate) title: String,
    pub(crate) net: String,
    pub(crate) to: String,
    pub(crate) marked: bool,
}

/// Draws feedback over time; `say` says of each period what is to be read.
pub(crate) fn time(tallies: &[&Tally], count: impl Fn(i64) -> String, say: impl Fn(usize) -> Said) -> Time {
    let n = tallies.len().max(1) as f64;
    let top = round(tallies.iter().map(|tally| tally.items).max().unwrap_or(0));
    let furthest =
        tallies.iter().filter_map(|tally| tally.net()).fold(10.0, |most: f64, net| most.max(net.abs()));
    let reach = [20.0, 50.0, 100.0].into_iter().find(|reach| *reach >= furthest).unwrap_or(100.0);
    let height = |net: f64| 8.0 + (NET - 16.0) * (0.5 - net / reach / 2.0);
    let middle = |at: usize| (at as f64 + 0.5) / n;
    let every = tallies.len().div_ceil(DATES).max(1);
    let (mut columns, mut dots, mut dates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut line, mut last): (Vec<Piece>, Option<(f64, f64)>) = (Vec::new(), None);
    for (at, tally) in tallies.iter().enumerate() {
        let said = say(at);
        let mut below = VOLUME;
        let mut parts = Vec::new();
        for (label, class) in SIDES {
            let size = tally.of(label) as f64 / top * VOLUME;
            if size > 0.0 {
                below -= size;
                parts.push(Part { class, from: pixels(below), size: pixels(size), title: String::new() });
            }
        }
        let rest: i64 = tally.items - SIDES.iter().map(|(label, _)| tally.of(label)).sum::<i64>();
        if rest > 0 {
            let size = rest as f64 / top * VOLUME;
            parts.push(Part {
                class: "neu",
                from: pixels(below - size),
                size: pixels(size),
                title: String::new(),
            });
        }
        if let Some(net) = tally.net() {
            let (x, y) = (middle(at), height(net));
            if let Some((x1, y1)) = last {
                line.push(Piece { x1: percent(x1), y1: pixels(y1), x2: percent(x), y2: pixels(y) });
            }
            last = Some((x, y));
            dots.push(Dot {
                x: percent(x),
                y: pixels(y),
                class: class(net),
                title: format!("{}: {}", said.date, said.net),
                marked: said.marked,
            });
        }
        if at % every == 0 {
            dates.push(Mark { at: percent(middle(at)), word: said.date, spare: (at / every) % 2 == 1 });
        }
        columns.push(Column {
            x: percent((at as f64 + 0.14) / n),
            width: percent(0.72 / n),
            place: percent(at as f64 / n),
            room: percent(1.0 / n),
            parts,
            title: said.title,
            to: said.to,
        });
    }
    let nets = [reach, 0.0, -reach].map(|net| Mark {
        at: pixels(height(net)),
        word: if net == 0.0 { "0".to_owned() } else { format!("{net:+.0}").replace('-', "−") },
        spare: false,
    });
    Time { columns, line, dots, dates, nets: nets.into(), most: count(top as i64), zero: pixels(height(0.0)) }
}

/// A small line of net sentiments, 100 by 24.
pub(crate) fn spark(nets: &[Option<f64>]) -> Vec<String> {
    let n = (nets.len().max(2) - 1) as f64;
    let known = nets.iter().flatten().fold(10.0, |most: f64, net| most.max(net.abs()));
    let mut lines = vec![String::new()];
    for (at, net) in nets.iter().enumerate() {
        match net {
            Some(net) => {
                let point = format!("{:.1},{:.1} ", 100.0 * at as f64 / n, 12.0 - 10.0 * net / known);
                if let Some(line) = lines.last_mut() {
                    *line += &point;
                }
            }
            None if lines.last().is_some_and(|line| !line.is_empty()) => lines.push(String::new()),
            None => {}
        }
    }
    lines.retain(|line| line.matches(' ').count() > 1);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(pairs: &[(&str, i64)]) -> Tally {
        let labels: BTreeMap<String, i64> = pairs.iter().map(|(l, n)| ((*l).to_owned(), *n)).collect();
        Tally { items: labels.values().sum(), labels }
    }

    #[test]
    fn bars_stand_on_the_ground_and_lines_leave_gaps() {
        let all = [tally(&[("negative", 30), ("positive", 10)]), tally(&[]), tally(&[("positive", 40)])];
        let drawn = time(
            &all.iter().collect::<Vec<_>>(),
            |n| n.to_string(),
            |at| Said {
                date: at.to_string(),
                title: String::new(),
                net: String::new(),
                to: String::new(),
                marked: false,
            },
        );
        let ground = |column: &Column| {
            let first = &column.parts[0];
            first.from.parse::<f64>().unwrap() + first.size.parse::<f64>().unwrap()
        };
        assert_eq!((drawn.columns.len(), drawn.dots.len(), drawn.line.len()), (3, 2, 1));
        assert!((ground(&drawn.columns[0]) - VOLUME).abs() < 0.2 && drawn.columns[1].parts.is_empty());
        assert_eq!(drawn.most, "40");
        assert_eq!(spark(&[Some(5.0), Some(-5.0), None, Some(1.0)]).len(), 1);
        assert!(time(&[], |n| n.to_string(), |_| unreachable!()).columns.is_empty());
    }

    #[test]
    fn shares_make_a_whole() {
        let labels = tally(&[("negative", 1), ("neutral", 1), ("positive", 1), ("joy", 1)]).labels;
        let parts = shares(&labels, |label, count| format!("{label} {count}"));
        assert_eq!(
            parts.iter().map(|p| p.title.as_str()).collect::<Vec<_>>(),
            ["negative 1", "neutral 1", "positive 1", "joy 1"]
        );
        assert_eq!((parts[3].from.as_str(), parts[3].size.as_str()), ("75.000%", "25.000%"));
    }
}
