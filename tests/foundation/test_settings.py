"""Goal: settings parse, show, layer and roll back as PostgreSQL's do. Method: a table of its answers."""

import pytest

from foundation.errors import (
    FeatureNotSupported,
    InvalidName,
    InvalidParameterValue,
    QuiverError,
    UndefinedObject,
)
from foundation.setting_definitions import SETTINGS
from foundation.setting_text import parse_setting, show_setting
from foundation.settings import SettingSource, SettingValues


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("statement_timeout", "600s", "10min"),
        ("statement_timeout", "90000", "90s"),
        ("statement_timeout", "1.5s", "1500ms"),
        ("statement_timeout", "0", "0"),
        ("maintenance_work_mem", "8GB", "8GB"),
        ("maintenance_work_mem", "65536", "64MB"),
        ("work_mem", "4097kB", "4097kB"),
        ("hnsw.ef_search", "100", "100"),
        ("hnsw.ef_search", "0x10", "16"),
        ("hnsw.ef_search", " 010 ", "8"),
        ("hnsw.ef_search", "1e2", "100"),
        ("hnsw.ef_search", "1.5", "2"),
        ("hnsw.ef_search", "1000.4", "1000"),
        ("hnsw.scan_mem_multiplier", "1.2345678", "1.23457"),
        ("hnsw.scan_mem_multiplier", "0x1p3", "8"),
        ("hnsw.iterative_scan", "Relaxed_Order", "relaxed_order"),
        ("quiver.target_recall", "0.95", "0.95"),
        ("enable_seqscan", "f", "off"),
        ("enable_seqscan", "1", "on"),
        ("client_encoding", "'utf-8'", "UTF8"),
        ("DateStyle", "iso", "ISO, MDY"),
        ("DateStyle", "ISO, DMY", "ISO, DMY"),
        ("DateStyle", "european", "ISO, DMY"),
        ("DateStyle", "default", "ISO, MDY"),
        ("DateStyle", "", "ISO, MDY"),
        ("IntervalStyle", "ISO_8601", "iso_8601"),
        ("synchronous_commit", "true", "on"),
        ("TimeZone", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_values_are_brought_to_canonical_form(name: str, given: str, shown: str) -> None:
    setting = SETTINGS[name.lower()]
    assert show_setting(setting, parse_setting(setting, given)) == shown


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("hnsw.ef_search", "0", '0 is outside the valid range for parameter "hnsw.ef_search" (1 .. 1000)'),
        ("hnsw.ef_search", "08", 'invalid value for parameter "hnsw.ef_search": "08"'),
        ("hnsw.ef_search", "1e400", 'invalid value for parameter "hnsw.ef_search": "1e400"'),
        ("hnsw.ef_search", "99999999999", 'invalid value for parameter "hnsw.ef_search": "99999999999"'),
        ("hnsw.iterative_scan", " off", 'invalid value for parameter "hnsw.iterative_scan": " off"'),
        (
            "hnsw.scan_mem_multiplier",
            "1e10",
            '1e+10 is outside the valid range for parameter "hnsw.scan_mem_multiplier" (1 .. 1000)',
        ),
        ("hnsw.ef_search", "many", 'invalid value for parameter "hnsw.ef_search": "many"'),
        ("enable_seqscan", "maybe", 'parameter "enable_seqscan" requires a Boolean value'),
        ("enable_seqscan", "o", 'parameter "enable_seqscan" requires a Boolean value'),
        ("hnsw.iterative_scan", "x", 'invalid value for parameter "hnsw.iterative_scan": "x"'),
        ("statement_timeout", "5parsec", 'invalid value for parameter "statement_timeout": "5parsec"'),
        ("TimeZone", "Mars/Base", 'invalid value for parameter "TimeZone": "Mars/Base"'),
        ("DateStyle", "nonsense", 'invalid value for parameter "DateStyle": "nonsense"'),
        ("DateStyle", "ISO MDY", 'invalid value for parameter "DateStyle": "ISO MDY"'),
        ("DateStyle", "MDY, DMY", 'invalid value for parameter "DateStyle": "MDY, DMY"'),
        ("IntervalStyle", "iso", 'invalid value for parameter "IntervalStyle": "iso"'),
    ],
)
def test_bad_values_are_refused_in_postgresql_words(name: str, given: str, message: str) -> None:
    with pytest.raises(InvalidParameterValue) as caught:
        parse_setting(SETTINGS[name.lower()], given)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("DateStyle", "German"),
        ("DateStyle", "SQL, DMY"),
        ("DateStyle", "Postgres"),
        ("IntervalStyle", "sql_standard"),
        ("IntervalStyle", "postgres_verbose"),
        ("client_encoding", "LATIN1"),
    ],
)
def test_values_that_are_not_supported_are_refused_by_name(name: str, given: str) -> None:
    values = SettingValues()
    with pytest.raises(FeatureNotSupported) as caught:
        values.set(name, given)
    assert caught.value.sqlstate == "0A000"
    assert name in caught.value.message and given in caught.value.message


def test_a_date_style_keeps_the_order_it_does_not_name() -> None:
    values = SettingValues()
    values.set("DateStyle", "YMD")
    values.set("DateStyle", "ISO")
    assert values.get("DateStyle") == "ISO, YMD"


def test_unknown_names() -> None:
    values = SettingValues()
    with pytest.raises(UndefinedObject):
        values.set("no_such_thing", "1")
    for name in ("hnsw.no_such_thing", "app.tenant-name", "app.1", "app."):
        with pytest.raises(InvalidName):
            values.set(name, "1")
    with pytest.raises(UndefinedObject):
        values.get("hnsw.no_such_thing")
    assert not values.is_known("app.tenant")
    values.set("app.tenant", "7")
    assert values.get("app.tenant") == "7" and values.is_known("app.tenant")
    values.reset("app.tenant")
    assert values.get("app.tenant") == ""


def test_fixed_settings_cannot_be_changed() -> None:
    values = SettingValues()
    for name in ("server_version", "max_connections"):
        with pytest.raises(QuiverError) as caught:
            values.set(name, "1")
        assert caught.value.sqlstate == "55P02"


def test_layers_and_transactions() -> None:
    values = SettingValues({"hnsw.ef_search": "50"})
    assert values.get("HNSW.EF_SEARCH") == "50" and values.is_explicit("hnsw.ef_search")
    values.begin()
    values.set("hnsw.ef_search", "60")
    values.set("hnsw.ef_search", "70", is_local=True)
    assert values.integer("hnsw.ef_search") == 70
    values.end(committed=True)
    assert values.integer("hnsw.ef_search") == 60
    values.begin()
    values.set("hnsw.ef_search", "80")
    mark = values.mark()
    values.set("hnsw.ef_search", "90")
    values.rollback_to(mark)
    assert values.integer("hnsw.ef_search") == 80
    values.end(committed=False)
    assert values.integer("hnsw.ef_search") == 60
    values.reset("hnsw.ef_search")
    assert values.integer("hnsw.ef_search") == 50


def test_set_local_to_default_and_sources() -> None:
    values = SettingValues({"work_mem": "8192"})
    values.set_base("hnsw.ef_search", "50", SettingSource.USER)
    values.set("hnsw.ef_search", "60")
    values.begin()
    values.set("hnsw.ef_search", None, is_local=True)
    assert values.get("hnsw.ef_search") == "50" and values.source("hnsw.ef_search") is SettingSource.USER
    values.end(committed=True)
    assert values.get("hnsw.ef_search") == "60" and values.source("hnsw.ef_search") is SettingSource.SESSION
    values.set("hnsw.ef_search", None)
    assert values.get("hnsw.ef_search") == values.reset_value("hnsw.ef_search") == "50"
    assert values.source("work_mem") is SettingSource.FILE
    assert values.source("ivfflat.probes") is SettingSource.DEFAULT
    for name in ("port", "server_version"):
        with pytest.raises(QuiverError) as caught:
            values.set_base(name, "1")
        assert caught.value.sqlstate == "55P02"


def test_a_session_carries_its_settings_to_another_process() -> None:
    values = SettingValues({"work_mem": "8192"})
    values.set("hnsw.ef_search", "99")
    copy = SettingValues.restore(values.export())
    assert copy.get("hnsw.ef_search") == "99" and copy.show("work_mem") == "8MB"
    copy.reset_all()
    assert copy.get("hnsw.ef_search") == "40" and copy.show("work_mem") == "8MB"


def test_transaction_modes_start_from_their_defaults_and_end_with_the_transaction() -> None:
    values = SettingValues()
    values.set("default_transaction_isolation", "repeatable read")
    assert values.get("transaction_isolation") == "repeatable read"
    values.begin()
    values.set("transaction_isolation", "read committed")
    values.reset_all()
    assert values.get("transaction_isolation") == "read committed"
    values.end(committed=True)
    values.set("default_transaction_isolation", "repeatable read")
    assert values.get("transaction_isolation") == "repeatable read"
    with pytest.raises(QuiverError, match="cannot be reset"):
        values.reset("transaction_isolation")


def test_reported_values_follow_every_way_to_change_them() -> None:
    values = SettingValues()
    first = values.reported()
    assert values.reported() is first
    values.set_base("DateStyle", "ISO, DMY")
    assert values.reported()["DateStyle"] == "ISO, DMY"
    values.begin()
    mark = values.mark()
    values.set("application_name", "one")
    assert values.reported()["application_name"] == "one"
    values.rollback_to(mark)
    assert values.reported()["application_name"] == ""
    values.set("application_name", "two", is_local=True)
    assert values.reported()["application_name"] == "two"
    values.end(committed=True)
    assert values.reported()["application_name"] == ""
    values.set("application_name", "three")
    values.reset_all()
    assert values.reported()["application_name"] == ""
