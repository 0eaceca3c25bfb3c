//! What children inherit: nothing.

use std::process::Command;

use crate::kitchen::with_each_poller;

#[cfg(target_os = "linux")]
#[test]
fn no_descriptor_of_the_driver_is_inherited() {
    with_each_poller(|_driver| {
        let listing = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
        let listing = String::from_utf8(listing.stdout).unwrap();
        assert!(listing.contains("pipe"), "{listing}");
        for kind in ["eventpoll", "eventfd", "timerfd"] {
            assert!(!listing.contains(kind), "{listing}");
        }
    });
}
