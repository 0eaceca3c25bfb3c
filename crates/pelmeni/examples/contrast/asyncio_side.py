"""The same workloads in CPython: asyncio on its one thread, and threads under the GIL.

Reads the paths of the files from standard input, each ended by a zero byte. Prints `key value...` lines as it goes.
"""
import asyncio
import math
import os
import socket
import sys
import threading
import time

THREADS, MAILS, CLIENTS, ASKING, PERIOD = (
    int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
AIM = 1.0       # seconds of one thread's work, for each workload
SLICE = 1024    # bytes between two yields: about the time that a compiled program needs for 16 KiB
CHUNKS = 8 * max(THREADS, 2)
clock = time.perf_counter


def tell(*words):
    print(*words, flush=True)


def read_files():
    files = []
    for path in sys.stdin.buffer.read().split(b"\0"):
        if path:
            try:
                with open(path, "rb") as file:
                    files.append(file.read(8 << 20))
            except OSError:
                pass
    return files


# ---- waiting

async def send_mail(mail, began):
    tell("line", clock() - began, "sending mail %d" % mail)
    await asyncio.sleep(1)
    tell("line", clock() - began, "mail %d sent" % mail)


async def waiting_asyncio():
    began = clock()
    await asyncio.gather(*(send_mail(mail, began) for mail in range(MAILS)))
    return clock() - began


def in_threads(jobs):
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def waiting_threads():
    began = clock()
    in_threads([lambda: time.sleep(1)] * MAILS)
    return clock() - began


# ---- counting

def count(files, tally):
    """Words, lines and the FNV-1a hash; stops to let others run after every slice."""
    for data in files:
        words = lines = 0
        inside = False
        digest = 0xCBF29CE484222325
        for start in range(0, len(data), SLICE):
            for byte in data[start:start + SLICE]:
                if byte in b" \t\n\r\x0c":
                    inside = False
                    if byte == 10:
                        lines += 1
                elif not inside:
                    inside = True
                    words += 1
                digest = (digest ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            yield
        tally.append((words, lines, digest))


async def count_asyncio(files, tally):
    for _ in count(files, tally):
        await asyncio.sleep(0)


def count_thread(files, tally):
    for _ in count(files, tally):
        pass


def counting_work(files):
    """As much as takes one thread about a second, cut into chunks."""
    began = clock()
    done = 0
    for data in files:
        for _ in count([data], []):
            done += SLICE
            if clock() - began > 0.1:
                break
        if clock() - began > 0.1:
            break
    budget = max(1, int(AIM * done / (clock() - began)))
    pieces = []
    while budget > 0:
        for data in files:
            for start in range(0, len(data), 16 * SLICE):
                piece = data[start:start + min(16 * SLICE, budget)]
                budget -= len(piece)
                pieces.append(piece)
                if budget <= 0:
                    return [pieces[first::CHUNKS] for first in range(CHUNKS)]


async def counting_asyncio(chunks):
    began = clock()
    tally = []
    await asyncio.gather(*(count_asyncio(chunk, tally) for chunk in chunks))
    return clock() - began, tally


def counting_threads(chunks):
    """A pool of as many threads as there are cores to use, as one would write it."""
    began = clock()
    tally = []
    todo = list(chunks)

    def work():
        while True:
            try:
                chunk = todo.pop()
            except IndexError:
                return
            count_thread(chunk, tally)
    in_threads([work] * THREADS)
    return clock() - began, tally


# ---- serving

async def serve(reader, writer, files):
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            data = files[int(line)]
            writer.write(len(data).to_bytes(8, "little"))
            writer.write(data)
            await writer.drain()
    except (ConnectionError, asyncio.CancelledError):
        pass
    finally:
        writer.close()


async def fetch(reader, writer, files, number):
    writer.write(b"%d\n" % number)
    length = int.from_bytes(await reader.readexactly(8), "little")
    if await reader.readexactly(length) != files[number]:
        raise ValueError("a file came back wrong")
    return length


async def client_asyncio(address, files, first, end):
    reader, writer = await asyncio.open_connection(*address)
    requests = size = 0
    while clock() < end:
        size += await fetch(reader, writer, files, (first + requests) % len(files))
        requests += 1
    writer.close()
    return requests, size


async def start_server(files):
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, files), "127.0.0.1", 0, backlog=1024)
    return server, server.sockets[0].getsockname()[:2]


async def serving_asyncio(files):
    server, address = await start_server(files)
    began = clock()
    results = await asyncio.gather(*(
        client_asyncio(address, files, client * len(files) // CLIENTS, began + AIM)
        for client in range(CLIENTS)))
    taken = clock() - began
    server.close()
    return taken, sum(result[0] for result in results), sum(result[1] for result in results)


def serve_thread(connection, files):
    with connection, connection.makefile("rb") as lines:
        for line in lines:
            data = files[int(line)]
            connection.sendall(len(data).to_bytes(8, "little"))
            connection.sendall(data)


def serving_threads(files):
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    address = listener.getsockname()

    def accept():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=serve_thread, args=(connection, files), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    results = []
    began = clock()
    end = began + AIM

    def client(number):
        first = number * len(files) // CLIENTS
        requests = size = 0
        with socket.create_connection(address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as answers:
                while clock() < end:
                    wanted = (first + requests) % len(files)
                    connection.sendall(b"%d\n" % wanted)
                    length = int.from_bytes(answers.read(8), "little")
                    if answers.read(length) != files[wanted]:
                        raise ValueError("a file came back wrong")
                    requests += 1
                    size += length
        results.append((requests, size))
    in_threads([lambda number=number: client(number) for number in range(CLIENTS)])
    taken = clock() - began
    if len(results) != CLIENTS:
        raise ValueError("%d of %d clients failed" % (CLIENTS - len(results), CLIENTS))
    return taken, sum(result[0] for result in results), sum(result[1] for result in results)


# ---- both at once

async def both(files, counting):
    """Requests fall due at fixed times while `counting` runs; how late each answer was, sorted."""
    server, address = await start_server(files)
    connections = [await asyncio.open_connection(*address) for _ in range(ASKING)]
    late = []
    ended = []
    began = clock()

    async def ask(number, reader, writer):
        due = began + PERIOD * number / ASKING
        file = number * len(files) // ASKING
        while True:
            await asyncio.sleep(max(0, due - clock()))
            if ended and due >= ended[0]:
                writer.close()
                return
            await fetch(reader, writer, files, file)
            late.append(clock() - due)
            file = (file + 1) % len(files)
            due += PERIOD

    async def count_to_the_end():
        await counting()
        ended.append(clock())
    await asyncio.gather(
        count_to_the_end(),
        *(ask(number, *connection) for number, connection in enumerate(connections)))
    server.close()
    late.sort()
    return ended[0] - began, late


def tell_both(key, work, result):
    taken, late = result
    size = sum(len(piece) for chunk in work for piece in chunk)
    rank = lambda part: late[max(1, math.ceil(part * len(late))) - 1] if late else 0.0
    tell(key, taken, size, len(late), rank(0.50), rank(0.99))


def main():
    enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
    tell("version", sys.version.split()[0])
    tell("gil", "on" if enabled else "off")
    files = read_files()
    tell("stage", "waiting")
    tell("waiting_asyncio", asyncio.run(waiting_asyncio()))
    tell("waiting_threads", waiting_threads())
    tell("stage", "serving")
    tell("serving_asyncio", *asyncio.run(serving_asyncio(files)))
    tell("serving_threads", *serving_threads(files))
    tell("stage", "counting")
    work = counting_work(files)
    size = sum(len(piece) for chunk in work for piece in chunk)
    taken, one = asyncio.run(counting_asyncio(work))
    tell("counting_asyncio", taken, size)
    taken, many = counting_threads(work)
    tell("counting_threads", taken, size)
    if sorted(one) != sorted(many):
        raise ValueError("asyncio and threads counted differently")
    tell("stage", "both at once")
    tell_both("both_asyncio", work, asyncio.run(
        both(files, lambda: counting_asyncio(work))))
    tell_both("both_threads", work, asyncio.run(
        both(files, lambda: asyncio.to_thread(counting_threads, work))))
    tell("done")


try:
    main()
except Exception as error:
    tell("error", type(error).__name__, error)
sys.stdout.flush()
os._exit(0)  # daemon threads of the servers need no farewell
