//! Why a task has no output: [`JoinError`].

use std::any::Any;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};

use crate::info::TaskInfo;

/// Why a task ended without an output: it was cancelled, it panicked, or it never got a thread.
///
/// One pointer wide, so that a task's output is hardly larger than the value it returns.
pub struct JoinError {
    repr: Option<Box<Repr>>,
}

enum Repr {
    Panic(Panic),
    Refused(io::Error),
}

struct Panic {
    /// Under a lock that is never contended: a payload need not be Sync, and an error should be.
    payload: Mutex<Box<dyn Any + Send + 'static>>,
    /// What the payload says, if it says something in words.
    message: Box<str>,
    task: TaskInfo,
}

impl JoinError {
    pub(crate) fn cancelled() -> JoinError {
        JoinError { repr: None }
    }

    pub(crate) fn panicked(payload: Box<dyn Any + Send + 'static>, task: TaskInfo) -> JoinError {
        let message = message(&*payload).into();
        let panic = Panic { payload: Mutex::new(payload), message, task };
        JoinError { repr: Some(Box::new(Repr::Panic(panic))) }
    }

    pub(crate) fn refused(why: io::Error) -> JoinError {
        JoinError { repr: Some(Box::new(Repr::Refused(why))) }
    }

    /// The task was cancelled or aborted, or spawned into a runtime that was closing.
    pub fn is_cancelled(&self) -> bool {
        self.repr.is_none()
    }

    /// The task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.repr.as_deref(), Some(Repr::Panic(_)))
    }

    /// The task never ran, because no thread could be started for it: see [`source`](std::error::Error::source).
    pub fn is_refused(&self) -> bool {
        matches!(self.repr.as_deref(), Some(Repr::Refused(_)))
    }

    /// What the task was panicking with, for [`resume_unwind`](std::panic::resume_unwind).
    ///
    /// # Panics
    /// If the task did not panic; [`try_into_panic`](JoinError::try_into_panic) gives the error back instead.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => {
                panic!("into_panic on a task that did not panic ({error}); check is_panic first")
            }
        }
    }

    /// What the task was panicking with.
    ///
    /// # Errors
    /// The error itself, if the task did not panic.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.repr {
            Some(repr) => match *repr {
                Repr::Panic(panic) => {
                    Ok(panic.payload.into_inner().unwrap_or_else(PoisonError::into_inner))
                }
                other => Err(JoinError { repr: Some(Box::new(other)) }),
            },
            None => Err(self),
        }
    }

    /// The name and spawn site of the task, if it panicked.
    pub fn task(&self) -> Option<&TaskInfo> {
        match self.repr.as_deref() {
            Some(Repr::Panic(panic)) => Some(&panic.task),
            _ => None,
        }
    }
}

/// What a panic said, if it said something in words.
fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a value that is not text"
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.repr.as_deref() {
            None => f.write_str("task was cancelled"),
            Some(Repr::Refused(why)) => write!(f, "task was not started: {why}"),
            Some(Repr::Panic(panic)) => write!(f, "{} panicked: {}", panic.task, panic.message),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl std::error::Error for JoinError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self.repr.as_deref() {
            Some(Repr::Refused(why)) => Some(why),
            _ => None,
        }
    }
}
