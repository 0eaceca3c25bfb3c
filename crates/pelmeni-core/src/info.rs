//! What a report says of a task: its name, if it has one, and where it was spawned.

use std::fmt;
use std::panic::Location;

/// A task's name and the place in the program that spawned it.
#[derive(Debug, Clone)]
pub struct TaskInfo {
    name: Option<Box<str>>,
    location: &'static Location<'static>,
}

impl TaskInfo {
    /// A description of a task with or without a name.
    pub fn new(name: Option<Box<str>>, location: &'static Location<'static>) -> TaskInfo {
        TaskInfo { name, location }
    }

    /// The name that the task's builder gave it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where the program spawned it.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

/// ``task `soup` spawned at src/main.rs:7:5``, or without the name.
impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task `{name}` spawned at {}", self.location),
            None => write!(f, "task spawned at {}", self.location),
        }
    }
}
