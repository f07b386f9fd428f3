//! A load at a constant rate, whatever the answers take: what many people are who do not know of one another.
//!
//! A loader that waits for an answer before it asks again asks less of a server the slower that is, and its latencies
//! flatter it (coordinated omission). This one has a timetable: a request's latency counts from the moment that it was
//! due at, whether a connection was free then or not.
//!
//! One file and the standard library alone, so that `rustc -O benches/load.rs` makes a program of it, and the tests of
//! the binary use it as a module.
//!
//! ```text
//! load ADDRESS RATE SECONDS CONNECTIONS TEXTS [BATCH]     RATE 0: as fast as they are answered
//! ```

#![allow(dead_code)] // each user uses a part

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a loading thread's stack: a thousand of them are to be.
const STACK: usize = 256 << 10;

/// The longest that an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked, how often and for how long.
pub(crate) struct Load<'a> {
    /// `HOST:PORT`.
    pub(crate) address: &'a str,
    /// Requests a second; 0: each connection asks again as soon as it is answered.
    pub(crate) rate: f64,
    /// Until when requests are due.
    pub(crate) time: Duration,
    /// At the most so many requests, where that is sooner.
    pub(crate) most: usize,
    /// Connections: at the most so many wait for an answer at a time.
    pub(crate) connections: usize,
    /// Path and body of request number n.
    pub(crate) request: &'a (dyn Fn(usize) -> (String, String) + Sync),
}

/// What came of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// When it was due, in seconds since the beginning.
    pub(crate) due: f64,
    /// From then to the end of the answer, seconds.
    pub(crate) took: f64,
    /// From the moment that it was sent: less, where no connection was free when it was due.
    pub(crate) alone: f64,
    /// The status; 0 where there was no answer.
    pub(crate) status: u16,
    /// Whether it says when to try again.
    pub(crate) retry: bool,
}

/// A connection that is kept for as long as the server keeps it.
struct Connection<'a> {
    address: &'a str,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection<'_> {
    /// Status, and whether there is a `Retry-After`.
    fn ask(&mut self, path: &str, body: &str) -> std::io::Result<(u16, bool)> {
        let fresh = self.stream.is_none();
        let answer = self.try_ask(path, body);
        match answer {
            // It was closed while nothing was asked: that is no refusal.
            Err(_) if !fresh => {
                self.stream = None;
                self.try_ask(path, body)
            }
            answer => answer,
        }
        .inspect_err(|_| self.stream = None)
    }

    fn try_ask(&mut self, path: &str, body: &str) -> std::io::Result<(u16, bool)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            self.stream = Some(BufReader::new(stream));
        }
        let broken = |what: &str| std::io::Error::other(what.to_owned());
        let Some(stream) = self.stream.as_mut() else { return Err(broken("no connection")) };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.ok_or_else(|| broken("no status"))?;
        let (mut length, mut chunked, mut close, mut retry) = (0, false, false, false);
        loop {
            line.clear();
            if stream.read_line(&mut line)? == 0 {
                return Err(broken("the head has no end"));
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(|_| broken("no length"))?,
                "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
                "connection" => close = value.eq_ignore_ascii_case("close"),
                "retry-after" => retry = true,
                _ => {}
            }
        }
        let mut over = std::io::sink();
        if chunked {
            loop {
                line.clear();
                stream.read_line(&mut line)?;
                let size = u64::from_str_radix(line.trim(), 16).map_err(|_| broken("no chunk"))?;
                std::io::copy(&mut stream.by_ref().take(size), &mut over)?;
                line.clear();
                stream.read_line(&mut line)?;
                if size == 0 {
                    break;
                }
            }
        } else if std::io::copy(&mut stream.by_ref().take(length), &mut over)? < length {
            return Err(broken("the body has no end"));
        }
        if close {
            self.stream = None;
        }
        Ok((status, retry))
    }
}

impl Load<'_> {
    /// Asks, and gives what came of it, in the order of connections.
    pub(crate) fn run(&self) -> Vec<Answer> {
        let (begun, next) = (Instant::now(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..self.connections)
                .map(|_| {
                    let next = &next;
                    let thread = std::thread::Builder::new().stack_size(STACK);
                    thread.spawn_scoped(scope, move || self.one(begun, next)).expect("a thread to load with")
                })
                .collect();
            all.into_iter().flat_map(|one| one.join().expect("a loading thread ends")).collect()
        })
    }

    fn one(&self, begun: Instant, next: &AtomicUsize) -> Vec<Answer> {
        let mut connection = Connection { address: self.address, stream: None };
        let mut answers = Vec::new();
        loop {
            // The next on the timetable is for whoever is free first.
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = if self.rate > 0.0 {
                Duration::from_secs_f64(number as f64 / self.rate)
            } else {
                begun.elapsed()
            };
            if due >= self.time || number >= self.most {
                return answers;
            }
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let (path, body) = (self.request)(number);
            let sent = Instant::now();
            let (status, retry) = connection.ask(&path, &body).unwrap_or((0, false));
            let (took, alone) =
                (begun.elapsed().saturating_sub(due).as_secs_f64(), sent.elapsed().as_secs_f64());
            answers.push(Answer { due: due.as_secs_f64(), took, alone, status, retry });
        }
    }
}

/// What came of all of them.
pub(crate) struct Summary {
    pub(crate) answered: usize,
    /// By 429 or 503.
    pub(crate) refused: usize,
    /// Of those, without a `Retry-After`.
    pub(crate) mute: usize,
    /// Any other status, or none.
    pub(crate) failed: usize,
    /// Requests answered by 200 a second.
    pub(crate) rate: f64,
    /// The longest that one of those took from the moment that it was sent, seconds.
    pub(crate) alone: f64,
    /// Latencies of those, seconds, in order.
    took: Vec<f64>,
}

impl Summary {
    pub(crate) fn of(answers: &[Answer]) -> Self {
        let mut took: Vec<f64> = answers.iter().filter(|one| one.status == 200).map(|one| one.took).collect();
        took.sort_by(f64::total_cmp);
        let refused = |one: &&Answer| matches!(one.status, 429 | 503);
        let end = answers.iter().map(|one| one.due + one.took).fold(0.0, f64::max);
        Self {
            answered: took.len(),
            refused: answers.iter().filter(refused).count(),
            mute: answers.iter().filter(refused).filter(|one| !one.retry).count(),
            failed: answers.iter().filter(|one| !matches!(one.status, 200 | 429 | 503)).count(),
            rate: took.len() as f64 / end.max(1e-9),
            alone: answers.iter().filter(|one| one.status == 200).map(|one| one.alone).fold(0.0, f64::max),
            took,
        }
    }

    /// The latency that this share of the answers does not exceed, seconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let last = self.took.len().saturating_sub(1);
        self.took.get((share * last as f64).round() as usize).copied().unwrap_or(0.0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| 1000.0 * self.quantile(share);
        write!(
            f,
            "{:.0} answers/s, p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, longest {:.1} ms; {} answered, {} refused, {} \
             failed",
            self.rate,
            ms(0.5),
            ms(0.99),
            ms(0.999),
            ms(1.0),
            self.answered,
            self.refused,
            self.failed
        )
    }
}

/// A body of JSON: one text, or a batch of them; no two are the same.
pub(crate) fn body(texts: &[String], number: usize, batch: usize) -> String {
    let text = |n: usize| {
        let text = texts.get(n.wrapping_mul(7919) % texts.len().max(1)).map_or("", String::as_str);
        let plain: String =
            text.chars().map(|c| if c.is_control() || matches!(c, '"' | '\\') { ' ' } else { c }).collect();
        format!("\"{plain} {n}\"")
    };
    if batch <= 1 {
        return format!("{{\"text\":{}}}", text(number));
    }
    let all: Vec<String> = (0..batch).map(|i| text(number * batch + i)).collect();
    format!("{{\"texts\":[{}]}}", all.join(","))
}

fn main() {
    let usage = "usage: load ADDRESS RATE SECONDS CONNECTIONS TEXTS [BATCH]";
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, rate, seconds, connections, texts, rest @ ..] = &args[..] else {
        eprintln!("{usage}");
        std::process::exit(2);
    };
    let number = |raw: &String| raw.parse::<f64>().unwrap_or_else(|_| panic!("{raw} is no number; {usage}"));
    let texts = std::fs::read_to_string(texts).unwrap_or_else(|error| panic!("cannot read {texts}: {error}"));
    let texts: Vec<String> = texts.lines().map(str::to_owned).collect();
    let batch = rest.first().map_or(1, |raw| number(raw) as usize);
    let load = Load {
        address,
        rate: number(rate),
        time: Duration::from_secs_f64(number(seconds)),
        most: usize::MAX,
        connections: number(connections) as usize,
        request: &|n| ("/v1/predict".to_owned(), body(&texts, n, batch)),
    };
    println!("{}", Summary::of(&load.run()));
}
