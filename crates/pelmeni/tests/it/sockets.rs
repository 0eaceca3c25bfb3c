//! One socket and several tasks: halves, several readers, cancelled reads, the `futures` traits.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use futures::stream::{self, FuturesUnordered};
use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{catch_cancel, gather, spawn, timeout, yield_now};

use crate::kitchen::{AGES, Count, each, event, on, telling};
use crate::tcp::pair;

#[test]
fn two_halves_in_two_tasks() {
    each(|runtime| {
        runtime.run(async {
            let (one, other) = pair().await;
            let talk = |stream: TcpStream, mine: u8| async move {
                let (mut reads, mut writes) = stream.into_split();
                let writer = spawn(async move {
                    for _ in 0..500 {
                        writes.write_all(&[mine; 100]).await.unwrap();
                    }
                    // Dropped here: the peer reads to the end.
                });
                let mut heard = 0;
                let mut bytes = [0; 777];
                loop {
                    match reads.read(&mut bytes).await.unwrap() {
                        0 => break,
                        read => {
                            assert!(bytes[..read].iter().all(|byte| *byte == 3 - mine));
                            heard += read;
                        }
                    }
                }
                writer.await.unwrap();
                heard
            };
            assert_eq!(gather((talk(one, 1), talk(other, 2))).await, (50_000, 50_000));
        });
    });
}

#[test]
fn the_halves_read_and_write_exactly() {
    each(|runtime| {
        runtime.run(async {
            let (one, other) = pair().await;
            let (mut reads, mut writes) = one.into_split();
            let (mut other_reads, mut other_writes) = other.into_split();
            writes.write_all(b"soup").await.unwrap();
            let mut bytes = [0; 4];
            other_reads.read_exact(&mut bytes).await.unwrap();
            assert_eq!(&bytes, b"soup");
            // One direction ends, the other does not.
            drop(writes);
            assert_eq!(other_reads.read(&mut bytes).await.unwrap(), 0);
            assert_eq!(other_writes.write(b"tea").await.unwrap(), 3);
            reads.read_exact(&mut bytes[..3]).await.unwrap();
            assert_eq!(&bytes[..3], b"tea");
            drop(other_writes);
            assert_eq!(
                reads.read_exact(&mut bytes).await.unwrap_err().kind(),
                ErrorKind::UnexpectedEof
            );
        });
    });
}

// regress: tokio#2779
#[test]
fn several_tasks_read_one_connection() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, other) = pair().await;
            let other = Arc::new(other);
            let heard = Arc::new(Mutex::new(Vec::new()));
            let waiting = Count::new();
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    let (other, heard, waiting) = (other.clone(), heard.clone(), waiting.clone());
                    spawn(async move {
                        loop {
                            let mut byte = [0];
                            waiting.add();
                            match (&*other).read(&mut byte).await.unwrap() {
                                0 => return,
                                _ => heard.lock().unwrap().push(byte[0]),
                            }
                        }
                    })
                })
                .collect();
            while waiting.get() < 4 {
                yield_now().await;
            }
            for i in 0..100 {
                one.write_all(&[i]).await.unwrap();
                yield_now().await;
            }
            drop(one);
            for reader in readers {
                reader.await.unwrap(); // each hears of the end
            }
            let mut heard = heard.lock().unwrap().clone();
            heard.sort_unstable();
            assert!(heard.into_iter().eq(0..100));
        });
    });
}

#[test]
fn several_tasks_accept_from_one_listener() {
    each(|runtime| {
        runtime.run(async {
            let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
            let address = listener.local_addr().unwrap();
            let accepters: Vec<_> = (0..3)
                .map(|_| {
                    let listener = listener.clone();
                    spawn(async move {
                        let mut peers = Vec::new();
                        while peers.len() < 20 {
                            peers.push(listener.accept().await.unwrap().1);
                        }
                        peers
                    })
                })
                .collect();
            let mut ours = HashSet::new();
            for _ in 0..60 {
                let stream = TcpStream::connect(address).await.unwrap();
                ours.insert(stream.local_addr().unwrap());
                yield_now().await;
            }
            let mut theirs = HashSet::new();
            for accepter in accepters {
                theirs.extend(accepter.await.unwrap());
            }
            assert_eq!(ours, theirs);
        });
    });
}

#[test]
fn a_read_that_is_cancelled_loses_nothing() {
    each(|runtime| {
        let stopped = runtime.run(async {
            let (mut one, mut other) = pair().await;
            let writer = spawn(async move {
                for i in 0..=255_u8 {
                    one.write_all(&[i]).await.unwrap();
                    if i % 16 == 0 {
                        pelmeni::sleep(Duration::from_millis(1)).await;
                    }
                    yield_now().await;
                }
            });
            let (mut heard, mut stopped) = (Vec::new(), 0);
            loop {
                let mut bytes = [0; 3];
                // By a timeout, by a request that is caught, or by a race that is lost.
                match timeout(Duration::from_micros(100), other.read(&mut bytes)).await {
                    Ok(Ok(0)) => break,
                    Ok(read) => heard.extend_from_slice(&bytes[..read.unwrap()]),
                    Err(_) => stopped += 1,
                }
            }
            writer.await.unwrap();
            assert!(heard.into_iter().eq(0..=255));
            stopped
        });
        assert!(stopped > 0, "nothing was cancelled");
    });
}

#[test]
fn a_request_stops_a_read_and_the_connection_is_good_for_the_next() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            let waits = event();
            let reader = spawn(telling(waits.clone(), async move {
                let mut byte = [0];
                assert!(catch_cancel(other.read(&mut byte)).await.is_err());
                other.read_exact(&mut byte).await.unwrap();
                byte[0]
            }));
            waits.wait().await;
            assert!(reader.cancel());
            one.write_all(&[9]).await.unwrap();
            assert_eq!(reader.await.unwrap(), 9);
        });
    });
}

#[test]
fn a_write_that_is_stopped_leaves_the_connection_good() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            let bytes = vec![1; 1 << 16];
            let mut sent = 0;
            // Until there is no room.
            while let Ok(taken) = timeout(Duration::from_millis(5), one.write(&bytes)).await {
                sent += taken.unwrap();
            }
            let reader = spawn(async move {
                let mut heard = 0;
                let mut bytes = vec![0; 1 << 16];
                loop {
                    match other.read(&mut bytes).await.unwrap() {
                        0 => return heard,
                        read => heard += read,
                    }
                }
            });
            one.write_all(&bytes).await.unwrap();
            drop(one);
            assert_eq!(reader.await.unwrap(), sent + bytes.len());
        });
    });
}

#[test]
fn a_timeout_on_a_read_and_a_byte_in_time() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            let mut byte = [0];
            assert!(timeout(Duration::from_millis(3), other.read(&mut byte)).await.is_err());
            one.write_all(&[4]).await.unwrap();
            assert_eq!(timeout(AGES, other.read(&mut byte)).await.unwrap().unwrap(), 1);
            assert_eq!(byte, [4]);
        });
    });
}

#[test]
fn the_traits_of_the_futures_family() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            AsyncWriteExt::write_all(&mut one, b"line\nrest").await.unwrap();
            one.flush().await.unwrap();
            one.close().await.unwrap();
            let mut text = String::new();
            other.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "line\nrest");
            // A reference reads while another writes.
            let (writes, reads) = (&other, &other);
            let write = async {
                let mut writes = writes;
                AsyncWriteExt::write_all(&mut writes, b"back").await.unwrap();
                writes.close().await.unwrap();
            };
            let mut back = Vec::new();
            let mut from = &one;
            let read = from.read_to_end(&mut back);
            let (_, read) = futures::join!(write, read);
            assert_eq!((read.unwrap(), back.as_slice()), (4, &b"back"[..]));
            let mut reads = reads;
            assert_eq!(AsyncReadExt::read(&mut reads, &mut [0]).await.unwrap(), 0);
        });
    });
}

#[test]
fn copied_from_one_connection_to_another() {
    each(|runtime| {
        runtime.run(async {
            let (mut source, from) = pair().await;
            let (to, mut sink) = pair().await;
            let proxy = spawn(async move {
                let (mut from, mut to) = (from, to);
                futures::io::copy(&mut from, &mut to).await.unwrap()
            });
            let writer = spawn(async move {
                for i in 0..2000_u32 {
                    AsyncWriteExt::write_all(&mut source, &i.to_le_bytes()).await.unwrap();
                }
            });
            let mut heard = Vec::new();
            sink.read_to_end(&mut heard).await.unwrap();
            writer.await.unwrap();
            assert_eq!(proxy.await.unwrap(), 8000);
            let expected: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
            assert!(heard == expected);
        });
    });
}

#[test]
fn the_halves_know_the_traits_too() {
    each(|runtime| {
        runtime.run(async {
            let (one, other) = pair().await;
            let (mut reads, _keep) = one.into_split();
            let (_other_reads, mut writes) = other.into_split();
            AsyncWriteExt::write_all(&mut writes, b"soup").await.unwrap();
            writes.close().await.unwrap();
            let mut text = String::new();
            reads.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, "soup");
        });
    });
}

/// Who reads too early has its next turn after all others, and finds what they wrote, without the kernel being asked.
#[test]
fn dialogue_by_turns_needs_no_wait() {
    on(1, |runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            let parks = || pelmeni::Handle::current().stats().workers[0].parks;
            let before = parks();
            let reader = spawn(async move { other.read_exact(&mut [0]).await.unwrap() });
            let writer = spawn(async move {
                one.write_all(b"!").await.unwrap();
                one
            });
            reader.await.unwrap();
            assert_eq!(parks() - before, 0);
            writer.await.unwrap();
        });
    });
}

#[test]
fn one_task_reads_from_many_fresh_connections() {
    each(|runtime| {
        runtime.run(async {
            let pairs: Vec<_> = stream::iter(0..50).then(|_| pair()).collect().await;
            let (ours, theirs): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let reads: FuturesUnordered<_> = theirs
                .into_iter()
                .map(|mut stream| async move { stream.read_exact(&mut [0]).await })
                .collect();
            let reader = spawn(reads.fold(0, |heard, read| async move {
                read.unwrap();
                heard + 1
            }));
            for mut stream in ours {
                stream.write_all(b"!").await.unwrap();
            }
            assert_eq!(reader.await.unwrap(), 50);
        });
    });
}

// regress: async-io d0fb59b
#[test]
fn idle_sockets_cost_no_time() {
    each(|runtime| {
        runtime.run(async {
            let (mut one, mut other) = pair().await;
            // One that is always writable, one with bytes that nobody reads, one whose peer is gone.
            one.write_all(b"unread").await.unwrap();
            let mut byte = [0];
            other.read_exact(&mut byte).await.unwrap();
            let (half, gone) = pair().await;
            drop(gone);
            let parks = |stats: pelmeni::Stats| {
                stats.workers.iter().map(|worker| worker.parks).sum::<u64>()
            };
            let before = parks(pelmeni::Handle::current().stats());
            pelmeni::sleep(Duration::from_millis(100)).await;
            let after = parks(pelmeni::Handle::current().stats());
            // Asleep most of the time: not woken again and again by what nobody waits for.
            assert!(after - before < 50, "{} parks", after - before);
            drop((one, other, half));
        });
    });
}

/// What the poller still knows of the closed descriptor reaches nobody, and the duplicate begins anew.
#[test]
fn duplicate_of_a_dropped_connection_is_adopted() {
    each(|runtime| {
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let one = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (mut other, _) = listener.accept().await.unwrap();
            let duplicate = one.try_clone().unwrap();
            let mut one = TcpStream::from_std(one).unwrap();
            let mut bytes = [0; 4];
            timeout(Duration::from_millis(1), one.read(&mut bytes)).await.unwrap_err();
            drop(one);
            let (mut new, mut peer) = pair().await;
            let reader = spawn(async move {
                new.read_exact(&mut [0; 4]).await.unwrap();
            });
            yield_now().await;
            other.write_all(b"soup").await.unwrap();
            let mut adopted = TcpStream::from_std(duplicate).unwrap();
            for answer in [b"tea ", b"cake"] {
                adopted.read_exact(&mut bytes).await.unwrap();
                adopted.write_all(answer).await.unwrap();
                other.read_exact(&mut bytes).await.unwrap();
                assert_eq!(&bytes, answer);
                other.write_all(b"more").await.unwrap();
            }
            assert!(!reader.is_finished());
            peer.write_all(b"soup").await.unwrap();
            reader.await.unwrap();
        });
    });
}

/// If it did, the timeout would never have a turn.
#[test]
fn accepted_connection_does_not_block() {
    each(|runtime| {
        runtime.run(async {
            let (_one, mut other) = pair().await;
            timeout(Duration::from_millis(1), other.read(&mut [0])).await.unwrap_err();
        });
    });
}
