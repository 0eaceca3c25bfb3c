"""The rows of `compare` on CPython: asyncio, or uvloop where it is installed.

    python3 asyncio_rows.py --list                          version, loops and rows, a line each
    python3 asyncio_rows.py ROW LOOP full|quick PROGRAM     one number, in the unit of the row

The workloads are those of `src/*.rs` with smaller loads: an operation takes a hundred times as long here. PROGRAM is
`compare` itself, which is also the client of the rows about sockets. Thread pools and callbacks are used where asyncio's
user would use them.
"""

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

ROWS = {}


def row(*keys_and_arguments):
    """Registers a coroutine function under a key, with the arguments for this key."""

    def register(function):
        for key, *arguments in keys_and_arguments:
            ROWS[key] = (function, arguments)
        return function

    return register


class Scale:
    def __init__(self, name, program):
        self.quick = name != "full"
        self.program = program

    def of(self, full):
        return full // 10 if self.quick else full

    async def per_operation(self, operations, body):
        """Median nanoseconds per operation; the first body only warms up, as in `src/clock.rs`."""
        await body()
        budget = 0.03 if self.quick else 0.3
        began, bodies = time.perf_counter(), []
        while True:
            start = time.perf_counter()
            await body()
            end = time.perf_counter()
            bodies.append((end - start) / operations * 1e9)
            if end - began > 1 or len(bodies) >= 3 and end - began > budget:
                return statistics.median(bodies)


async def nothing():
    pass


@row(["spawn-join"])
async def spawn_join(scale):
    count = scale.of(1_000)

    async def body():
        tasks = [asyncio.create_task(nothing()) for _ in range(count)]
        for task in tasks:
            await task

    return await scale.per_operation(count, body)


@row(["spawn-await"])
async def spawn_await(scale):
    count = scale.of(1_000)

    async def body():
        for _ in range(count):
            await asyncio.create_task(nothing())

    return await scale.per_operation(count, body)


@row(["yield-1", 1, 1_000], ["yield-200", 200, 50])
async def yield_many(scale, tasks, yields):
    async def yielding():
        for _ in range(yields):
            await asyncio.sleep(0)

    async def body():
        await asyncio.gather(*(yielding() for _ in range(tasks)))

    return await scale.per_operation(tasks * yields, body)


@row(["ping-pong"])
async def ping_pong(scale):
    loop = asyncio.get_running_loop()

    async def peer(ping, pong):
        await ping
        pong.set_result(None)

    async def pair():
        ping, pong = loop.create_future(), loop.create_future()
        task = asyncio.create_task(peer(ping, pong))
        ping.set_result(None)
        await pong
        return task

    async def body():
        for task in [asyncio.create_task(pair()) for _ in range(100)]:
            await task

    return await scale.per_operation(100, body)


@row(["chain"])
async def chain(scale):
    loop = asyncio.get_running_loop()

    async def body():
        end = loop.create_future()

        async def link(left):
            if left == 1:
                end.set_result(None)
            else:
                asyncio.create_task(link(left - 1))

        asyncio.create_task(link(1_000))
        await end

    return await scale.per_operation(1_000, body)


@row(["ring", 4], ["thread-ring", 4])
async def ring(scale, laps):
    """Both rings are one here: the smallest thing that hands over a token is a queue."""
    tasks = 503

    async def body():
        places = [asyncio.Queue(1) for _ in range(tasks + 1)]

        async def pass_on(inlet, outlet):
            for _ in range(laps):
                await outlet.put(await inlet.get())

        running = [
            asyncio.create_task(pass_on(inlet, outlet))
            for inlet, outlet in zip(places, places[1:])
        ]
        for _ in range(laps):
            await places[0].put(None)
            await places[-1].get()
        await asyncio.gather(*running)

    return await scale.per_operation(tasks * laps, body)


@row(["skynet"])
async def skynet(scale):
    async def node(first, leaves):
        if leaves == 1:
            return first
        share = leaves // 10
        children = [asyncio.create_task(node(first + i * share, share)) for i in range(10)]
        return sum([await child for child in children])

    async def body():
        assert await node(0, 1_000) == 499_500

    return await scale.per_operation(1_111, body)


@row(["cpu"])
async def cpu(scale):
    """Threads, not tasks: what asyncio's user has for computing."""
    steps = scale.of(300_000)

    def crunch(x):
        for _ in range(steps):
            x = (x * 6_364_136_223_846_793_005 + 1) & 0xFFFF_FFFF_FFFF_FFFF
        return x

    async def alone():
        for seed in range(16):
            crunch(seed)

    async def together():
        await asyncio.gather(*(asyncio.to_thread(crunch, seed) for seed in range(16)))

    return await scale.per_operation(16, alone) / await scale.per_operation(16, together)


@row(*([f"spawn-outside-{threads}", threads] for threads in (1, 2, 4, 8)))
async def outside(scale, threads):
    loop, tasks = asyncio.get_running_loop(), scale.of(800)

    async def body():
        end, left = loop.create_future(), tasks

        async def count():
            nonlocal left
            left -= 1
            if left == 0:
                end.set_result(None)

        def spawning():
            for _ in range(tasks // threads):
                asyncio.run_coroutine_threadsafe(count(), loop)

        running = [threading.Thread(target=spawning) for _ in range(threads)]
        for thread in running:
            thread.start()
        await end
        for thread in running:
            thread.join()

    return await scale.per_operation(tasks, body)


@row(["blocking-1", 1], ["blocking-16", 16])
async def blocking(scale, spawners):
    calls = scale.of(320)

    async def spawner():
        for _ in range(calls // spawners):
            await asyncio.to_thread(lambda: None)

    async def body():
        await asyncio.gather(*(spawner() for _ in range(spawners)))

    return await scale.per_operation(calls, body)


@row(["channel-1", 1], ["channel-4", 4])
async def channel(scale, pairs):
    messages = scale.of(2_000)

    async def body():
        queue = asyncio.Queue(64)

        async def produce():
            for message in range(messages // pairs):
                await queue.put(message)

        async def consume():
            for _ in range(messages // pairs):
                await queue.get()

        ends = [consume() for _ in range(pairs)] + [produce() for _ in range(pairs)]
        await asyncio.gather(*ends)

    return await scale.per_operation(messages, body)


@row(["timers"], ["timers-in-order"])
async def timers(scale):
    loop, count = asyncio.get_running_loop(), scale.of(10_000)

    async def body():
        end, left = loop.create_future(), count

        def ring():
            nonlocal left
            left -= 1
            if left == 0:
                end.set_result(None)

        for place in range(count):
            loop.call_later(place * 1e-7, ring)
        await end

    return await scale.per_operation(count, body)


@row(["sleepers"])
async def sleepers(scale):
    count = scale.of(10_000)

    async def body():
        places = (i * 70_001 % count for i in range(count))
        for task in [asyncio.create_task(asyncio.sleep(place * 1e-7)) for place in places]:
            await task

    return await scale.per_operation(count, body)


@row(["timer-drop"])
async def timer_drop(scale):
    loop = asyncio.get_running_loop()

    async def body():
        for _ in range(100):
            for _ in range(50):
                loop.call_later(1, print).cancel()
            await asyncio.sleep(0)

    return await scale.per_operation(5_000, body)


async def lateness_of(nap):
    start = time.perf_counter()
    await asyncio.sleep(nap)
    return (time.perf_counter() - start - nap) * 1e6


@row(["lateness"])
async def lateness(scale):
    return statistics.median([await lateness_of(0.005) for _ in range(scale.of(100))])


def resident_bytes():
    with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))


@row(["bytes-parked", False], ["bytes-sleeping", True])
async def bytes_per_task(scale, sleeping):
    loop, count, batch, kept = asyncio.get_running_loop(), scale.of(50_000), 1_000, []

    async def rest():
        await (asyncio.sleep(3_600) if sleeping else loop.create_future())

    gc.disable()
    before = 0
    for spawned in range(0, count + batch, batch):
        if spawned == batch:
            before = resident_bytes()
        kept.extend(asyncio.create_task(rest()) for _ in range(batch))
        await asyncio.sleep(0)
    bytes_each = (resident_bytes() - before) / count
    for task in kept:
        task.cancel()
    return bytes_each


async def serve(scale, load, connections, trips):
    """Serves one client, and returns what it measured in microseconds."""

    async def serve_connection(reader, writer):
        while message := await reader.read(1024):
            writer.write(message)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve_connection, "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    command = [scale.program, "--client", load, f"{host}:{port}", str(connections), str(trips)]
    client = subprocess.Popen(command, stdout=subprocess.PIPE)
    output, _ = await asyncio.to_thread(client.communicate)
    server.close()
    return float(output) / 1e3


@row(["echo-1", 1], ["echo-64", 64], ["echo-1000", 1_000])
async def echo(scale, connections):
    return await serve(scale, "closed", connections, scale.of(20_000))


@row(["echo-1-core"])
async def echo_on_one_core(scale):
    # As in `src/cores.rs`; the client inherits it.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    return await serve(scale, "closed", 1, scale.of(20_000))


@row(["connect"])
async def connect(scale):
    return await serve(scale, "fresh", 16, scale.of(3_200) // 16)


class Responder(asyncio.Protocol):
    """As `src/http.rs`: answers all requests of one read with one write."""

    RESPONSE = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, pelmeni"
    )

    def __init__(self):
        self.transport, self.held = None, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        *heads, self.held = (self.held + data).split(b"\r\n\r\n")
        if heads:
            self.transport.write(self.RESPONSE * len(heads))


@row(["http"])
async def http(scale):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Responder, "127.0.0.1", 0, backlog=1024)
    host, port = server.sockets[0].getsockname()
    seconds = "1" if scale.quick else "2"
    command = ["wrk", "-t", "1", "-c", "64", "-d", seconds, f"http://{host}:{port}/"]
    wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output, _ = await asyncio.to_thread(wrk.communicate)
    server.close()
    if "Socket errors" in output or "Non-2xx" in output:
        sys.exit(f"wrk missed answers:\n{output}")
    figure = next(line for line in output.splitlines() if line.startswith("Requests/sec:"))
    return float(figure.split()[1]) / 1e3


async def block_and_pause(block):
    time.sleep(block)
    await asyncio.sleep(block)


def percentile_99(values):
    return sorted(values)[len(values) * 99 // 100]


@row(
    ["blocked-sleep", 1, 0.02, 50, 0.001],
    ["stalled-half", 2, 0.1, 20, 0.005],
    ["stalled-all", 4, 0.1, 20, 0.005],
)
async def late_beside(scale, blockers, block, blocks, nap):
    late, blocking = [], True

    async def napper():
        while blocking:
            late.append(await lateness_of(nap))

    async def blocker():
        for _ in range(scale.of(blocks)):
            await block_and_pause(block)

    nappers = [asyncio.create_task(napper()) for _ in range(16)]
    await asyncio.gather(*(blocker() for _ in range(blockers)))
    blocking = False
    await asyncio.gather(*nappers)
    return percentile_99(late)


@row(["blocked-echo"])
async def echo_beside(scale):
    async def blocker():
        while True:
            await block_and_pause(0.02)

    task = asyncio.create_task(blocker())
    percentile = await serve(scale, "paced", 16, scale.of(300))
    task.cancel()
    return percentile


def uvloop():
    try:
        import uvloop as module
    except ImportError:
        return None
    return module


def main():
    if sys.version_info < (3, 11):
        sys.exit("asyncio.Runner came with Python 3.11")
    if sys.argv[1:] == ["--list"]:
        print(sys.version.split()[0])
        print("asyncio", *(["uvloop"] if uvloop() else []))
        print(*ROWS)
        return
    key, event_loop, scale, program = sys.argv[1:]
    function, arguments = ROWS[key]
    factory = uvloop().new_event_loop if event_loop == "uvloop" else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.get_loop().set_default_executor(ThreadPoolExecutor(16))
        print(runner.run(function(Scale(scale, program), *arguments)))


main()
