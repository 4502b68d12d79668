"""Watch the nodes of a job from its first one, and end a launcher whose node has gone silent.

    python jobs/watch_nodes.py LAUNCHER-PID NODE...

Started by jobs/batch.sh. Ends with the launcher; prints the nodes that are lost, one a line. A node answers when its
kernel replies to a TCP connection, refused or not: launchers themselves may wait for a silent node for many minutes.
Nodes that do not reply at the start, as behind a firewall, are not watched.
"""

import errno
import os
import selectors
import signal
import socket
import sys
import time

PORT = 9  # discard: that nobody listens is an answer too
PAUSE = 5.0  # seconds between rounds
PATIENCE = 4.0  # seconds for an answer
WORD = 20.0  # seconds of silence after which it is said
LOST = 40.0  # seconds after which the launcher is ended; a link may be away for half a minute
GRACE = 2.0  # seconds that it has to end, before it is killed


def answering(nodes: list[str]) -> set[str]:
    """Those that reply within ``PATIENCE``, all asked at once."""
    found = set()
    with selectors.DefaultSelector() as waiting:
        for node in nodes:
            try:
                family, kind, _, _, address = socket.getaddrinfo(node, PORT, type=socket.SOCK_STREAM)[0]
                line = socket.socket(family, kind)
            except OSError:
                continue
            line.setblocking(False)
            if line.connect_ex(address) in (0, errno.ECONNREFUSED):
                found.add(node)
                line.close()
            else:
                waiting.register(line, selectors.EVENT_WRITE, node)
        end = time.monotonic() + PATIENCE
        while waiting.get_map() and (left := end - time.monotonic()) > 0:
            for key, _ in waiting.select(left):
                line = key.fileobj
                if line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (0, errno.ECONNREFUSED):
                    found.add(key.data)
                waiting.unregister(line)
                line.close()
        for key in list(waiting.get_map().values()):
            key.fileobj.close()
    return found


def watch(launcher: int, nodes: list[str]) -> None:
    """Until the launcher has ended, or is ended."""
    watched = sorted(answering(nodes))
    if unheard := sorted(set(nodes) - set(watched)):
        say(f"not watched, as they do not answer: {' '.join(unheard)}")
    heard = dict.fromkeys(watched, time.monotonic())
    told: set[str] = set()
    while is_there(launcher):
        time.sleep(PAUSE)
        asked = time.monotonic()
        answered = answering(watched)
        heard.update(dict.fromkeys(answered, asked))
        silent = {node: time.monotonic() - heard[node] for node in watched if node not in answered}
        for node in sorted(told & answered):
            say(f"{node} answers again")
        told -= answered
        for node, seconds in silent.items():
            if seconds > WORD and node not in told:
                told.add(node)
                say(f"{node} has not answered for {seconds:.0f} s; after {LOST:.0f} s it is taken for lost")
        if lost := [node for node, seconds in silent.items() if seconds > LOST]:
            say(f"lost: {' '.join(lost)}; the launcher is ended")
            print("\n".join(lost), flush=True)
            end(launcher)
            return


def end(launcher: int) -> None:
    """Asked first, then made to."""
    for by in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(launcher, by)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + GRACE
        while is_there(launcher) and time.monotonic() < deadline:
            time.sleep(0.1)


def is_there(pid: int) -> bool:
    """Whether a process lives; of one whose parent has not waited for it yet only the name is left."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def say(text: str) -> None:
    """Into the job's log."""
    print(f"nodes: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    watch(int(sys.argv[1]), sys.argv[2:])
