"""Questions that want more than the three views: each is refused, and nothing of what they want is in the answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server import Server, event

SECRET = "a-secret-of-the-raw-table"
"""A property value that stands in the raw table and in no view, as it was never defined to be shown there."""

NOT_A_SELECT = """
    DROP TABLE events
    DROP VIEW users
    INSERT INTO events (frontend) VALUES ('x')
    INSERT INTO FUNCTION file('/tmp/sojourn-hostile', 'CSV', 'a String') SELECT 'x'
    CREATE TABLE x (a String) ENGINE = Memory
    CREATE TEMPORARY TABLE x (a String)
    CREATE VIEW x AS SELECT * FROM events
    CREATE DICTIONARY d (a String) PRIMARY KEY a SOURCE(FILE(path '/etc/passwd' format 'CSV')) LAYOUT(FLAT())
    CREATE FUNCTION f AS x -> x
    ALTER TABLE events DELETE WHERE 1
    TRUNCATE TABLE events
    OPTIMIZE TABLE events FINAL
    RENAME TABLE events TO gone
    EXCHANGE TABLES events AND absences
    DELETE FROM events WHERE 1
    DETACH TABLE events
    SET readonly = 0
    SET ROLE server
    SET ROLE DEFAULT
    SET ROLE ALL
    USE system
    GRANT server TO default
    EXECUTE AS default SELECT * FROM events
    KILL QUERY WHERE 1
    SYSTEM SHUTDOWN
    SYSTEM FLUSH LOGS
    BACKUP TABLE events TO File('/tmp/sojourn-hostile')
    SHOW TABLES
    SHOW CREATE TABLE events
    SHOW PROCESSLIST
    SHOW GRANTS
    DESCRIBE events
    DESCRIBE TABLE file('/etc/passwd')
    EXISTS TABLE events
    EXPLAIN SELECT 1
    EXPLAIN ESTIMATE SELECT * FROM events
    CHECK TABLE events
    BEGIN TRANSACTION
    ATTACH TABLE x
    WATCH users
    SELECT 1 PARALLEL WITH SELECT 2
    users
"""
MORE_THAN_A_SELECT = """
    SELECT 1; DROP TABLE events
    SELECT 1;; SELECT * FROM events
    SELECT 1 /* ; */ ; /* x */ SELECT 2
    SELECT 1) ; DROP TABLE events; SELECT (1
    SELECT 1) UNION ALL (SELECT * FROM events
    SELECT 1 INTO OUTFILE '/tmp/sojourn-hostile'
    SELECT 1 INTO OUTFILE '/tmp/sojourn-hostile' FORMAT CSV
    SELECT 1 FORMAT CSV
    SELECT 1 FORMAT Null
    (SELECT 1) FORMAT CSV
    SELECT 1 SETTINGS readonly = 0
    SELECT 1 SETTINGS max_execution_time = 0
    SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 0)
    WITH t AS (SELECT 1 SETTINGS max_threads = 64) SELECT * FROM t
    SELECT 1 UNION ALL SELECT 2 SETTINGS limit = 0
    (SELECT 1) UNION ALL (SELECT 2) SETTINGS max_execution_time = 0
    SELECT 1 settings  max_threads=3
    SELECT 1 SETTINGS additional_table_filters = {'events': '1'}
"""
OTHER_TABLES = """
    SELECT * FROM events
    SELECT * FROM sojourn.events
    SELECT * FROM `sojourn`.`events`
    SELECT * FROM "events"
    SELECT * FROM session_states
    SELECT * FROM session_index
    SELECT * FROM session_summaries
    SELECT * FROM derived_sessions
    SELECT * FROM discards
    SELECT * FROM absences
    SELECT * FROM schema_versions
    SELECT * FROM system.tables
    SELECT * FROM system.processes
    SELECT * FROM system.query_log
    SELECT * FROM system.settings
    SELECT * FROM system.functions
    SELECT * FROM information_schema.tables
    SELECT * FROM INFORMATION_SCHEMA.COLUMNS
    FROM events SELECT *
    SELECT * FROM users, events
    SELECT * FROM users AS u LEFT JOIN events AS e ON u.identifier = e.user_identifier
    SELECT * FROM users ANY LEFT JOIN (SELECT * FROM events) AS e ON 1 = 1
    SELECT (SELECT count() FROM events)
    SELECT * FROM users WHERE identifier IN (SELECT user_identifier FROM events)
    SELECT 1 IN events
    SELECT (1, 2) NOT IN events
    SELECT in(1, events)
    SELECT globalNotNullIn(1, session_states)
    SELECT EXISTS(SELECT 1 FROM events)
    SELECT 1 UNION ALL SELECT count() FROM events
    SELECT 1 INTERSECT SELECT count() FROM events
    SELECT 1 EXCEPT DISTINCT (SELECT count() FROM events)
    WITH t AS (SELECT * FROM events) SELECT * FROM t
    WITH t AS (SELECT * FROM events) SELECT 1
    WITH (SELECT count() FROM events) AS n SELECT n
    WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT count() FROM events, t) SELECT * FROM t
    SELECT * FROM (WITH events AS (SELECT 1 AS x) SELECT * FROM events) AS a, events
    WITH `system.tables` AS (SELECT 1) SELECT * FROM system.tables
    SELECT 1 AS events, 1 IN events
    SELECT (SELECT 1 AS session_states), 1 IN session_states
    SELECT * FROM users ORDER BY (SELECT count() FROM events)
    SELECT * FROM users LIMIT (SELECT count() FROM events)
    SELECT count() OVER (PARTITION BY (SELECT count() FROM events)) FROM users
    SELECT 1 GROUP BY 1 HAVING (SELECT count() FROM events) > 0
    SELECT * APPLY(x -> (SELECT count() FROM events)) FROM users
    SELECT * FROM users ARRAY JOIN (SELECT groupArray(1) FROM events) AS x
    SELECT * FROM ev/**/ents
    SELECT * FROM view(SELECT * FROM events)
    SELECT * FROM `users, final: 1, identifier: events`
"""
TABLE_FUNCTIONS = """
    file('/etc/passwd')
    file('/etc/passwd', 'LineAsString')
    file('../settings.sqlite', 'RawBLOB')
    url('http://127.0.0.1:1/', 'LineAsString')
    s3('http://127.0.0.1:1/x', 'CSV')
    remote('127.0.0.1', 'sojourn', 'events')
    remote('127.0.0.1', view(SELECT * FROM events))
    remoteSecure('127.0.0.1', system.one)
    cluster('default', system.one)
    clusterAllReplicas('default', system.one)
    merge('sojourn', '.*')
    merge('.*')
    mysql('127.0.0.1:1', 'a', 'b', 'c', 'd')
    postgresql('127.0.0.1:1', 'a', 'b', 'c', 'd')
    sqlite('/etc/passwd', 'x')
    mongodb('127.0.0.1:1', 'a', 'b', 'c', 'd', 'e String')
    redis('127.0.0.1:1', 'a', 'a String')
    jdbc('x', 'y')
    odbc('x', 'y', 'z')
    hdfs('hdfs://127.0.0.1:1/x', 'CSV', 'a String')
    executable('sh', 'TSV', 'a String')
    dictionary('d')
    input('a String')
    format(CSV, '1')
    null('a String')
    generateRandom('a String')
    fuzzQuery('SELECT 1')
    fuzzJSON('{}')
    zeros(1)
    loop(users)
    mergeTreeIndex('sojourn', 'events')
    mergeTreeProjection('sojourn', 'events', 'x')
    timeSeriesData('sojourn', 'x')
    deltaLake('http://127.0.0.1:1/')
    iceberg('http://127.0.0.1:1/')
    azureBlobStorage('x')
    gcs('http://127.0.0.1:1/')
    Python(os)
    Python('os')
    viewExplain('EXPLAIN', '', (SELECT 1))
    viewIfPermitted(SELECT * FROM events ELSE null('a String'))
    primes(3)
"""
FUNCTIONS = """
    file('/etc/passwd')
    FILE('/etc/passwd')
    `file`('/etc/passwd')
    arrayMap(x -> file(x), ['/etc/passwd'])
    if(0, 1, length(file('/etc/passwd')))
    sleep(1)
    sleepEachRow(1)
    dictGet('d', 'a', 'x')
    dictGetString('d', 'a', 'x')
    joinGet('events', 'name', 1)
    hostName()
    hostname()
    FQDN()
    fullHostName()
    version()
    serverUUID()
    uptime()
    tcpPort()
    getServerPort('tcp_port')
    getServerSetting('max_server_memory_usage')
    getSetting('max_execution_time')
    getMacro('x')
    getMergeTreeSetting('index_granularity')
    currentDatabase()
    DATABASE()
    currentUser()
    user()
    currentRoles()
    currentProfiles()
    queryID()
    initialQueryID()
    connectionId()
    filesystemAvailable()
    filesystemCapacity()
    hasColumnInTable('sojourn', 'events', 'frontend')
    addressToLine(1)
    addressToSymbol(1)
    demangle('x')
    tid()
    logTrace('x')
    evalMLMethod(1, 2)
    catboostEvaluate('/etc/passwd', 1)
    regionToName(1)
    aiGenerate('x')
    showCertificate()
    zookeeperSessionUptime()
    transactionID()
    currentRequestURL()
    getClientHTTPHeader('cookie')
    formatQuery('SELECT 1')
    __getScalar('x')
    throwIf(1)
    nofunction(1)
"""


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


QUERIES = [
    *lines(NOT_A_SELECT),
    *lines(MORE_THAN_A_SELECT),
    *lines(OTHER_TABLES),
    *(f"SELECT * FROM {call}" for call in lines(TABLE_FUNCTIONS)),
    *(f"SELECT * FROM users WHERE identifier IN (SELECT * FROM {call})" for call in lines(TABLE_FUNCTIONS)[:12]),
    *(f"WITH t AS (SELECT * FROM {call}) SELECT 1" for call in lines(TABLE_FUNCTIONS)[:12]),
    *(f"SELECT {call}" for call in lines(FUNCTIONS)),
    *(f"SELECT 1 FROM users WHERE {call} = '' ORDER BY {call}" for call in lines(FUNCTIONS)[:8]),
    "SELECT * APPLY(file) FROM (SELECT '/etc/passwd')",
    "SELECT COLUMNS('x') APPLY(x -> file(x)) FROM (SELECT '/etc/passwd' AS x)",
    "SELECT * REPLACE(file(x) AS x) FROM (SELECT '/etc/passwd' AS x)",
    "SELECT `a, function_name: plus, b`, file('/etc/passwd') AS `a\nb`",
    "SELECT 1 AS `x\n  FUNCTION id: 1, function_name: plus, function_type: ordinary`",
    "SELECT \x00file('/etc/passwd')",
]


@pytest.fixture(scope="module")
def guarded(server: Server) -> Server:
    """A server whose raw tables hold a secret."""
    server.frontend().send(event(session_properties={"session_properties.undefined": SECRET}))
    return server


@pytest.mark.parametrize("query", QUERIES)
def test_it_is_refused(guarded: Server, query: str):
    answer = guarded.http.post("/api/v1/sql", json={"query": query})
    assert answer.status_code == 422, (query, answer.text[:300])
    error = answer.json()["error"]
    assert error["code"] == "invalid", error
    assert not {"root:", SECRET, "/tmp/", "/etc/group"} & set(error["message"].split())
    assert not Path("/tmp/sojourn-hostile").exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT count() FROM numbers(1000000000000)",
        "SELECT count() FROM users AS a, users AS b, numbers(1000000000000)",
        "SELECT uniqExact(number), groupArray(toString(number)) FROM numbers(1000000000)",
        "SELECT arrayJoin(range(1000000000))",
        "SELECT repeat('x', 1000000000), repeat('y', 1000000000)",
        "SELECT repeat('x', 1000000) FROM numbers(100000)",
        "SELECT number, randomString(10000) FROM numbers(100000)",
        "SELECT toString(number) AS s, count() FROM numbers(1000000000) GROUP BY s",
        "SELECT a.number FROM numbers(100000000) AS a JOIN numbers(100000000) AS b USING number ORDER BY 1",
        "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t) SELECT count() FROM t",
        "SELECT sum(length(replaceRegexpAll(repeat(toString(number), 300), '(1*)*2', 'x'))) FROM numbers(100000000)",
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "[" * 2000 + "1" + "]" * 2000,
        "SELECT " + "+".join("1" * 30000),
        "SELECT " + "-" * 3 + "(SELECT " * 200 + "1" + ")" * 200,
        "SELECT '" + "x" * 200_000 + "'",
    ],
    ids=lambda query: query[:40],
)
def test_what_would_take_too_much_ends_with_a_clear_error(guarded: Server, query: str):
    answer = guarded.http.post("/api/v1/sql", json={"query": query})
    assert answer.status_code == 422, answer.text[:300]
    error = answer.json()["error"]
    assert error["code"] in ("timeout", "too_large", "invalid")
    assert len(error["message"]) < 500
    assert guarded.http.get("/health").status_code == 200
    assert guarded.until(lambda: guarded.http.post("/api/v1/sql", json={"query": "SELECT 1"}).status_code == 200)


def test_the_tables_are_as_before(guarded: Server):
    answer = guarded.http.post("/api/v1/sql", json={"query": "SELECT count() > 0 FROM user_events"})
    assert answer.json()["rows"] == [[1]]


FIRST_WALL = """
import json, sys
from pathlib import Path
from sojourn.store.analyst_views import AnalystFrontend, AnalystViews
from sojourn.store.analysts import EngineRefusal
from sojourn.store.engine import embedded_url
from sojourn.store.store import Store

store = Store(embedded_url(Path(sys.argv[1])))
AnalystViews(store.engine, [])
analyst = store.engine.analysts.take()
found = {}
for query in json.load(sys.stdin):
    try:
        found[query] = "answered: " + analyst.ask(query, "JSONCompactEachRow").decode(errors="replace")[:200]
    except EngineRefusal as refusal:
        found[query] = refusal.name
print(json.dumps(found))
store.close()
"""
HARMLESS = ("WITH t AS (SELECT * FROM events) SELECT 1", "SELECT 1 AS events, 1 IN events")
"""What reads nothing, as the engine never comes to the table."""
REFUSED_BY_THE_ENGINE = [
    *(q for q in lines(OTHER_TABLES) if "system." not in q and "schema." not in q.lower() and q not in HARMLESS),
    *(f"SELECT * FROM {call}" for call in lines(TABLE_FUNCTIONS)[:8]),
    "SELECT * FROM sqlite('/etc/passwd', 'x')",
    "SELECT addressToLine(1)",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT 1 SETTINGS readonly = 0",
    *lines(NOT_A_SELECT)[:16],
]


def test_the_engine_refuses_by_itself_what_is_no_view_of_analysts(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", FIRST_WALL, str(tmp_path / "events")],
        input=json.dumps([*REFUSED_BY_THE_ENGINE, "SELECT count() FROM user_events"]),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("SELECT count() FROM user_events") == "answered: [0]\n"
    assert {query: name for query, name in found.items() if name.startswith("answered")} == {}
