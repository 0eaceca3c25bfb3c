//! So many threads that they have several drivers: descriptors are served whoever has time, and wherever they were made.

use std::io::{Read, Write};
use std::net;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pelmeni::net::{TcpListener, TcpStream};
use pelmeni::{Runtime, spawn, yield_now};

use crate::kitchen::{Count, on};
use crate::tcp::echo;

/// Three groups, the last of one thread.
const THREADS: usize = 17;
const GROUP: usize = 8;

#[test]
fn echo_to_many_in_three_groups() {
    on(THREADS, |runtime| {
        const CLIENTS: u32 = 200;
        runtime.run(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let server = spawn(async move {
                let mut connections = Vec::new();
                for _ in 0..CLIENTS {
                    connections.push(spawn(echo(listener.accept().await.unwrap().0)));
                }
                for connection in connections {
                    assert_eq!(connection.await.unwrap(), 40);
                }
            });
            let client = |number: u32| async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                for i in 0..10 {
                    stream.write_all(&(number + i).to_le_bytes()).await.unwrap();
                    let mut answer = [0; 4];
                    stream.read_exact(&mut answer).await.unwrap();
                    assert_eq!(u32::from_le_bytes(answer), number + i);
                }
            };
            let clients: Vec<_> = (0..CLIENTS).map(|number| spawn(client(number))).collect();
            for client in clients {
                client.await.unwrap();
            }
            server.await.unwrap();
        });
    });
}

/// A connection whose one end is made on a worker of the middle group, all of whose workers then block until `rescued`.
struct Middle {
    server: Mutex<Option<net::TcpStream>>,
    blocked: Count,
    rescued: Count,
}

impl Middle {
    fn is_here() -> bool {
        let thread = thread::current();
        let number = thread.name().and_then(|name| name.rsplit_once("-worker-")?.1.parse().ok());
        number.is_some_and(|number: usize| number / GROUP == 1)
    }

    /// Goes from worker to worker until it is on one of the group, and blocks that.
    async fn block(self: Arc<Self>) {
        while self.blocked.get() < GROUP {
            if Middle::is_here() {
                let server = self.server.lock().unwrap().take();
                if let Some(server) = server {
                    // The first read registers it, with the driver of this worker.
                    let server = TcpStream::from_std(server).unwrap();
                    drop(spawn(echo(server)));
                    // On this worker, if nobody steals it; wherever it runs, the registration is this group's.
                    yield_now().await;
                    continue;
                }
                self.blocked.add();
                return self.rescued.block_until(1);
            }
            thread::sleep(Duration::from_millis(1)); // costly, so that others come for the rest
            yield_now().await;
        }
    }
}

fn block_the_middle(runtime: &Runtime) {
    let listener = net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.set_nodelay(true).unwrap();
    let server = Mutex::new(Some(listener.accept().unwrap().0));
    let middle = Arc::new(Middle { server, blocked: Count::new(), rescued: Count::new() });
    let blockers = runtime.handle().spawn_many((0..2 * THREADS).map(|_| middle.clone().block()));
    middle.blocked.block_until(GROUP);
    for i in 0..100_u32 {
        client.write_all(&i.to_le_bytes()).unwrap();
        let mut answer = [0; 4];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(u32::from_le_bytes(answer), i);
    }
    middle.rescued.add();
    runtime.run(async {
        for blocker in blockers {
            blocker.await.unwrap();
        }
    });
}

#[test]
fn sockets_of_a_group_whose_workers_all_block() {
    on(THREADS, |runtime| (0..3).for_each(|_| block_the_middle(runtime)));
}
