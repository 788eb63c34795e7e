"""Forks, several processes of one program, threads, short scripts and the end of the interpreter."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.sdk.counting import counting_sink
from tests.sdk.sink import Sink


def run(program: str, *arguments: str, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    # From 3.12 on Python warns of every fork of a program with threads.
    command = [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def by_stream(sink: Sink) -> dict[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for event in sink.events:
        found.setdefault((event.session_id, event.stream_id), []).append(event.sequence)
    return found


START = "import sys, os, sojourn; sojourn.start(sys.argv[1], 'shop', 'key-1', state_dir=sys.argv[2])\n"


def test_a_short_script_needs_no_flush(tmp_path, sink):
    done = run(START + "sojourn.send_event('only')", sink.endpoint, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert [e.kind for e in sink.events] == ["session_start", "event", "session_end"]
    assert sink.events[-1].end_reason == "app_closed"


def test_a_crash_is_reported_and_the_traceback_still_printed(tmp_path, sink):
    done = run(START + "sojourn.send_event('e')\nraise LookupError('lost')", sink.endpoint, str(tmp_path))
    assert done.returncode == 1
    assert "LookupError: lost" in done.stderr
    crash, end = sink.events[2:]
    assert (crash.kind, crash.attributes["exception.type"], crash.attributes["exception.handled"]) == (
        "crash",
        "LookupError",
        False,
    )
    assert (end.kind, end.end_reason) == ("session_end", "crash")


def test_ctrl_c_and_exit_are_no_crashes(tmp_path, sink):
    for program in ("sojourn.send_event('e'); raise KeyboardInterrupt", "sojourn.send_event('e'); sys.exit(3)"):
        run(START + program, sink.endpoint, str(tmp_path))
    assert sink.of_kind("crash") == []
    assert [e.end_reason for e in sink.of_kind("session_end")] == ["app_closed", "app_closed"]


def test_the_hooks_that_were_there_before_are_called_too(tmp_path, sink):
    program = (
        "import sys, threading, asyncio\n"
        "sys.excepthook = lambda *a: print('main hook', a[0].__name__)\n"
        "threading.excepthook = lambda a: print('thread hook', a.exc_type.__name__)\n"
        + START
        + "def fail(): raise ValueError('in a thread')\n"
        "t = threading.Thread(target=fail); t.start(); t.join()\n"
        "async def main():\n"
        "    loop = asyncio.get_running_loop()\n"
        "    loop.set_exception_handler(lambda l, c: print('loop hook', type(c['exception']).__name__))\n"
        "    sojourn.current_agent().crash_capture.watch_event_loop(loop)\n"
        "    loop.call_soon(fail)\n"
        "    await asyncio.sleep(0)\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
        "raise LookupError('at the end')\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert done.stdout.splitlines() == [
        "thread hook ValueError",
        "loop hook ValueError",
        "main hook LookupError",
    ]
    assert [(e.kind, e.attributes["exception.type"]) for e in sink.events if e.attributes] == [
        ("error", "ValueError"),
        ("error", "ValueError"),
        ("crash", "LookupError"),
    ]


def test_started_inside_a_loop_its_handler_is_chained_at_once(tmp_path, sink):
    program = (
        "import asyncio, sys, sojourn\n"
        "async def main():\n"
        "    sojourn.start(sys.argv[1], 'shop', 'key-1', state_dir=sys.argv[2])\n"
        "    asyncio.get_running_loop().call_soon(lambda: 1 / 0)\n"
        "    await asyncio.sleep(0)\n"
        "    await asyncio.sleep(0)\n"
        "asyncio.run(main())\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert "ZeroDivisionError" in done.stderr
    assert [e.attributes["exception.type"] for e in sink.of_kind("error")] == ["ZeroDivisionError"]


def test_a_forked_child_reports_in_a_stream_of_its_own(tmp_path, sink):
    program = (
        START + "sojourn.identify_user('ada'); sojourn.send_event('parent before')\n"
        "child = os.fork()\n"
        "for n in range(100): sojourn.send_event(f'child {n}' if child == 0 else f'parent {n}')\n"
        "if child: os.waitpid(child, 0)\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert len({e.session_id for e in sink.events}) == 1
    streams = by_stream(sink)
    assert sorted(len(found) for found in streams.values()) == [100, 104]
    assert all(found == list(range(len(found))) for found in streams.values())
    # The child shares the session; only the parent, whose session it is, may end it.
    assert len(sink.of_kind("session_end")) == 1
    assert {e.user_identifier for e in sink.of_kind("event")} == {"ada"}
    assert len({batch.instance_id for batch in sink.batches}) == 1
    assert [e.name for e in sink.of_kind("event") if "child" in e.name] == [f"child {n}" for n in range(100)]


def test_a_child_that_ends_without_a_word_is_adopted(tmp_path, sink):
    """`multiprocessing` and many servers end their children by `os._exit`, which runs no exit handlers."""
    program = (
        START + "child = os.fork()\n"
        "if child == 0:\n"
        "    sojourn.send_event('from the child'); os._exit(0)\n"
        "os.waitpid(child, 0)\n"
    )
    run(program, sink.endpoint, str(tmp_path))
    run(START, sink.endpoint, str(tmp_path))
    assert "from the child" in {e.name for e in sink.events}


def test_multiprocessing_workers(tmp_path, sink):
    program = (
        "import multiprocessing\n" + START + "def work(n):\n"
        "    sojourn.send_event(f'task {n}')\n"
        "    return n\n"
        "if __name__ == '__main__':\n"
        "    sojourn.send_event('before')\n"
        "    with multiprocessing.get_context('fork').Pool(3) as pool: pool.map(work, range(30), chunksize=1)\n"
    )
    assert run(program, sink.endpoint, str(tmp_path)).returncode == 0
    run(START, sink.endpoint, str(tmp_path))
    assert {e.name for e in sink.of_kind("event")} == {"before", *(f"task {n}" for n in range(30))}


def test_forking_while_other_threads_report(tmp_path, sink):
    program = (
        "import threading\n" + START + "sojourn.send_event('e'); sojourn.flush(); stop = threading.Event()\n"
        "def report(k):\n"
        "    n = 0\n"
        "    while not stop.is_set():\n"
        "        sojourn.send_event(f'{k}:{n}'); n += 1; stop.wait(0.0005)\n"
        "threads = [threading.Thread(target=report, args=(k,)) for k in range(3)]\n"
        "for t in threads: t.start()\n"
        "for n in range(5):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        sojourn.send_event(f'child:{n}'); sojourn.flush(); os._exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "stop.set()\n"
        "for t in threads: t.join()\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert {f"child:{n}" for n in range(5)} <= {e.name for e in sink.events}
    assert all(found == list(range(len(found))) for found in by_stream(sink).values())


def test_several_processes_of_one_program_share_the_folder(tmp_path, sink):
    program = START + "for n in range(300): sojourn.send_event(f'{sys.argv[3]}:{n}')"
    running = [
        subprocess.Popen([sys.executable, "-c", program, sink.endpoint, str(tmp_path), str(k)]) for k in range(4)
    ]
    assert [process.wait(30) for process in running] == [0] * 4
    names = [e.name for e in sink.of_kind("event")]
    assert sorted(names) == sorted(f"{k}:{n}" for k in range(4) for n in range(300))
    assert len({batch.instance_id for batch in sink.batches}) == 1
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["instance"]


def test_a_living_process_keeps_its_files(start, sink, tmp_path):
    sink.stop()
    agent = start()
    agent.send_event("mine")
    files = sorted(path for path in (tmp_path / "state").rglob("*.seg"))
    done = run(START + "sojourn.send_event('yours')", sink.endpoint, str(tmp_path / "state"))
    assert done.returncode == 0
    assert set(files) <= set((tmp_path / "state").rglob("*.seg"))


def test_eight_threads_lose_nothing_and_keep_the_order(tmp_path):
    """800,000 events, far more than can be sent in the time, against a sink that has nothing else to do."""
    each = 100_000
    program = (
        "import threading\n" + START + "from sojourn import EventData\n"
        "def report(k):\n"
        f"    for n in range({each}):\n"
        "        sojourn.send_event(EventData(f'{k}:{n}', event_properties={'event_properties.n': n}))\n"
        "threads = [threading.Thread(target=report, args=(k,)) for k in range(8)]\n"
        "for t in threads: t.start()\n"
        "for t in threads: t.join()\n"
        "print(sojourn.flush(60))\n"
    )
    with counting_sink() as sink:
        done = run(program, sink.endpoint, str(tmp_path), timeout=100)
        assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
        assert sink.told() == {"events": 8 * each, "in_order": True, "sequences": 8 * each + 2, "absent": 0}


def test_a_signal_handler_may_report_while_the_main_thread_does(tmp_path, sink):
    program = (
        "import signal\n" + START + "count = 0\n"
        "def handle(*_):\n"
        "    global count\n"
        "    count += 1; sojourn.send_event(f'signal {count}'); sojourn.identify_user('ada')\n"
        "signal.signal(signal.SIGALRM, handle); signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)\n"
        "for n in range(20000): sojourn.send_event('main')\n"
        "signal.setitimer(signal.ITIMER_REAL, 0)\n"
        "print(count)\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    count = int(done.stdout)
    assert count > 0
    # A handler may itself be interrupted by the next one, so their order is theirs.
    names = sorted(e.name for e in sink.of_kind("event") if e.name != "main")
    assert names == sorted(f"signal {n + 1}" for n in range(count))
    assert len([e for e in sink.events if e.name == "main"]) == 20_000
    assert all(found == list(range(len(found))) for found in by_stream(sink).values())


def test_a_signal_handler_that_raises_leaves_nothing_half_done(tmp_path, sink):
    """Such as that of Ctrl-C in a notebook: the next call, and that of another thread, go on as if nothing was."""
    program = (
        "import signal, threading\n" + START + "from sojourn import EventData\n"
        "class Stop(BaseException): pass\n"
        "def handle(*_): raise Stop\n"
        "sojourn.send_event('first')\n"
        "signal.signal(signal.SIGALRM, handle)\n"
        "returned = stopped = 0\n"
        "over = threading.Event()\n"
        "def report():\n"
        "    while not over.is_set(): sojourn.send_event(EventData('other'))\n"
        "other = threading.Thread(target=report); other.start()\n"
        "while stopped < 300:\n"
        "    try:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0.0002)\n"
        "        while True: sojourn.send_event(EventData('main')); returned += 1\n"
        "    except Stop: stopped += 1\n"
        "over.set(); other.join(5); print(other.is_alive(), returned)\n"
    )
    done = run(program, sink.endpoint, str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    alive, returned = done.stdout.split()
    assert alive == "False"
    # One event more for each call that was interrupted after it had done its work.
    assert int(returned) <= len([e for e in sink.events if e.name == "main"]) <= int(returned) + 300
    for found in by_stream(sink).values():
        assert len(set(found)) == len(found)


def test_import_is_light(tmp_path):
    program = (
        "import sys, sojourn; sojourn.start\n"
        "heavy = {'litestar','chdb','sqlalchemy','clickhouse_connect','urllib3','ssl','asyncio','zstandard','click'}\n"
        "import json; print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    assert json.loads(run(program).stdout) == []


def test_sigterm_keeps_what_was_reported(tmp_path, sink):
    program = START + "sojourn.send_event('e'); os.kill(os.getpid(), 15)"
    assert run(program, sink.endpoint, str(tmp_path)).returncode == -signal.SIGTERM
    run(START, sink.endpoint, str(tmp_path))
    assert [e.name for e in sink.of_kind("event")] == ["e"]


def test_the_state_folder_can_come_from_the_environment(tmp_path, sink):
    environment = {
        **os.environ,
        "SOJOURN_ENDPOINT": sink.endpoint,
        "SOJOURN_FRONTEND": "shop",
        "SOJOURN_KEY": "key-9",
        "SOJOURN_STATE_DIR": str(tmp_path),
    }
    program = "import sojourn; sojourn.start(); sojourn.send_event('e')"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=30)
    assert sink.headers[0]["Authorization"] == "Bearer key-9"
    (instance,) = Path(tmp_path).rglob("instance")
    assert instance.read_text() == sink.batches[0].instance_id
