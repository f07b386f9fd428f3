//! What can go wrong between us and a tracking server, and what may be done about it.

use std::io;
use std::path::PathBuf;

/// Why the server does not have what it was sent.
#[derive(Debug, thiserror::Error)]
pub enum MlflowError {
    /// A setting that cannot be followed.
    #[error("{name}: {why}")]
    Setting {
        /// The variable, option or file.
        name: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// No answer: down, unreachable, too slow, or its certificate is not trusted.
    #[error("the MLflow server {server} does not answer: {why}")]
    Silent {
        /// The server, without credentials.
        server: String,
        /// The cause, innermost last.
        why: String,
    },
    /// An answer other than success.
    #[error("{call}: the MLflow server answers {status}{}{}", dash(code), colon(message))]
    Refused {
        /// Method and path of the request.
        call: String,
        /// HTTP status.
        status: u16,
        /// MLflow's own code, where the answer was MLflow's own.
        code: String,
        /// What the server said, cut to a line.
        message: String,
        /// Seconds that it asked to wait.
        retry_after: Option<u64>,
    },
    /// Success, and an answer that is none of MLflow's.
    #[error("{call}: the answer is not MLflow's ({found}); does a login page or proxy stand in front of it?")]
    Foreign {
        /// Method and path of the request.
        call: String,
        /// What came.
        found: String,
    },
    /// What was asked for is there, and cannot be used.
    #[error("{why}")]
    Unfit {
        /// What it is, what was expected, what to do.
        why: String,
    },
    /// A local file that cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The caller no longer waits.
    #[error("stopped before the MLflow server had everything")]
    Halted,
}

/// What an error means for what was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The server is down, slow or busy: the same request may succeed later.
    Later,
    /// Nobody is let in: nothing will succeed until somebody changes settings or rights.
    Barred,
    /// The server does not know such requests: an older one, or not MLflow's own.
    Lacking,
    /// This very request will never succeed.
    Never,
}

impl MlflowError {
    /// What this means for what was to be sent.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Silent { .. } | Self::Halted => Verdict::Later,
            Self::Setting { .. } => Verdict::Barred,
            Self::Refused { status: 401 | 403 | 407, .. } | Self::Foreign { .. } => Verdict::Barred,
            // MLflow's own 404 is about a run or a model; without its code nobody there knows the path.
            Self::Refused { status: 404, code, .. } if code.is_empty() || code == "ENDPOINT_NOT_FOUND" => {
                Verdict::Lacking
            }
            Self::Refused { status: 405 | 501, .. } => Verdict::Lacking,
            Self::Refused { status, .. } if retryable(*status) => Verdict::Later,
            // A redirect is the address's fault, not the request's.
            Self::Refused { status: 300..=399, .. } => Verdict::Barred,
            Self::Refused { .. } | Self::Unfit { .. } | Self::File { .. } => Verdict::Never,
        }
    }

    /// Whether MLflow itself says `code`.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// Whether the thing asked for is not there.
    pub fn absent(&self) -> bool {
        self.is("RESOURCE_DOES_NOT_EXIST")
    }
}

/// Statuses after which MLflow's own client tries again.
pub(crate) fn retryable(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

fn dash(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" {code}") }
}

fn colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, code: &str, want: Verdict) {
        let error = MlflowError::Refused {
            call: "POST runs/create".to_owned(),
            status,
            code: code.to_owned(),
            message: String::new(),
            retry_after: None,
        };
        assert_eq!(error.verdict(), want, "{error}");
    }

    #[test]
    fn what_an_answer_means() {
        check(404, "RESOURCE_DOES_NOT_EXIST", Verdict::Never);
        check(404, "", Verdict::Lacking);
        check(404, "ENDPOINT_NOT_FOUND", Verdict::Lacking);
        check(501, "NOT_IMPLEMENTED", Verdict::Lacking);
        check(405, "", Verdict::Lacking);
        check(400, "INVALID_PARAMETER_VALUE", Verdict::Never);
        check(401, "", Verdict::Barred);
        check(403, "PERMISSION_DENIED", Verdict::Barred);
        check(301, "", Verdict::Barred);
        for status in [408, 429, 500, 502, 503, 504] {
            check(status, "", Verdict::Later);
        }
    }

    #[test]
    fn an_error_is_one_readable_line() {
        let error = MlflowError::Refused {
            call: "POST runs/create".to_owned(),
            status: 400,
            code: "INVALID_PARAMETER_VALUE".to_owned(),
            message: "no such experiment".to_owned(),
            retry_after: None,
        };
        assert_eq!(
            error.to_string(),
            "POST runs/create: the MLflow server answers 400 INVALID_PARAMETER_VALUE: no such experiment"
        );
    }
}
