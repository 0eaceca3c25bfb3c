//! Tasks that pass messages over `async-channel`, which belongs to no runtime and holds no mutex.
//!
//! The channel's own cost is the same for all and blurs the ratios, as it does in a program that is built like this.
//!
//! Source: the thread ring of the Computer Language Benchmarks Game.

use async_channel::{Receiver, Sender, bounded};

use crate::clock::{Scale, per_operation};
use crate::rival::Rival;
use crate::row::Row;

/// Returns the rows of this file.
pub(crate) fn rows<R: Rival>() -> Vec<Row<R>> {
    vec![
        Row::new("channel-1", "1 producer, 1 consumer", "ns/message", |scale| {
            produce_and_consume::<R>(scale, 1)
        }),
        Row::new("channel-4", "4 producers, 4 consumers", "ns/message", |scale| {
            produce_and_consume::<R>(scale, 4)
        }),
        Row::new("thread-ring", "thread ring, 503 tasks", "ns/hop", thread_ring::<R>),
    ]
}

/// As many producers as consumers on one channel of 64 places; 20k messages, every one of them counted.
async fn produce_and_consume<R: Rival>(scale: Scale, pairs: u32) -> f64 {
    const PLACES: usize = 64;
    let messages = scale.of(20_000);
    per_operation(scale, messages, || async move {
        let (sender, receiver) = bounded(PLACES);
        let produce = |_| {
            let sender = sender.clone();
            R::spawn(async move {
                for message in 0..messages / pairs {
                    sender.send(message).await.expect("the consumers stay until it is closed");
                }
            })
        };
        let consume = |_| {
            let receiver = receiver.clone();
            R::spawn(async move {
                let mut consumed = 0;
                while receiver.recv().await.is_ok() {
                    consumed += 1;
                }
                consumed
            })
        };
        let consumers: Vec<_> = (0..pairs).map(consume).collect();
        let producers: Vec<_> = (0..pairs).map(produce).collect();
        for producer in producers {
            R::join(producer).await;
        }
        // The channel is closed when its last sender is gone.
        drop(sender);
        let mut consumed = 0;
        for consumer in consumers {
            consumed += R::join(consumer).await;
        }
        assert_eq!(consumed, messages, "every message is consumed once");
    })
    .await
}

/// A number goes round a ring of tasks, one less at every hop, until somebody has the zero.
///
/// Unlike the ring of `tasks`, which passes a token over a bare waker, every hop is a message in a channel of one place.
async fn thread_ring<R: Rival>(scale: Scale) -> f64 {
    const TASKS: usize = 503;
    let hops = scale.of(10_000);
    per_operation(scale, hops, || async {
        let (channels, receivers): (Vec<_>, Vec<_>) = (0..TASKS).map(|_| bounded(1)).unzip();
        let (done, end) = bounded(1);
        for (place, inlet) in receivers.into_iter().enumerate() {
            let outlet = channels[(place + 1) % TASKS].clone();
            R::detach(R::spawn(pass_on(inlet, outlet, done.clone())));
        }
        channels[0].send(hops).await.expect("the first task waits");
        end.recv().await.expect("the task with the zero reports");
        // A ring of senders and receivers keeps itself open: without this its tasks would wait for ever.
        for channel in channels {
            channel.close();
        }
    })
    .await
}

async fn pass_on(inlet: Receiver<u32>, outlet: Sender<u32>, done: Sender<()>) {
    while let Ok(left) = inlet.recv().await {
        let sent = match left.checked_sub(1) {
            Some(less) => outlet.send(less).await.is_ok(),
            None => done.send(()).await.is_ok(),
        };
        // The channels are closed: the token has come to its end.
        if !sent {
            return;
        }
    }
}
