"""A ClickHouse node as a process: `serving_node.py LIBRARY OPTION…`; it serves HTTP and TCP until it is killed.

The library holds all of the server; its entry is that of the command line, which only takes queries. One of them starts
the listeners, and another one lasts for ever.
"""

import ctypes
import sys

QUERIES = """
SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP;
SELECT sleepEachRow(3) FROM numbers(1000000) FORMAT Null
SETTINGS function_sleep_max_microseconds_per_block = 1000000000000, max_block_size = 1;
"""


def main(library: str, *options: str) -> None:
    arguments = [text.encode() for text in ("clickhouse", "--multiquery", f"--query={QUERIES}", *options)]
    entry = ctypes.CDLL(library).query_stable_v2
    entry.restype = ctypes.c_void_p
    entry(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments))
    sys.exit("the node ended by itself")


if __name__ == "__main__":
    main(*sys.argv[1:])
