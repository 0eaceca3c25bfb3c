//! Work that is handed to threads that may block: what the way there and back costs.

use crate::clock::{Scale, per_operation};
use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("blocking-1", "spawn_blocking, 1 spawner", "ns/call", |scale| call::<R>(scale, 1)),
        Row::new("blocking-16", "spawn_blocking, 16 spawners", "ns/call", |scale| {
            call::<R>(scale, 16)
        }),
    ]
}

/// `spawners` tasks call an empty function on a thread that may block, again and again, 3200 times together.
async fn call<R: Rival>(scale: Scale, spawners: u32) -> f64 {
    let calls = scale.of(3_200);
    per_operation(scale, calls, || async move {
        let spawner = |_| {
            R::spawn(async move {
                for _ in 0..calls / spawners {
                    R::run_blocking(|| ()).await;
                }
            })
        };
        let spawners: Vec<_> = (0..spawners).map(spawner).collect();
        for spawner in spawners {
            R::join(spawner).await;
        }
    })
    .await
}
