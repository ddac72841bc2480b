use super::*;

fn next(schedule: &str, zone: &str, after: &str) -> String {
    let zone = TimeZone::get(zone).unwrap();
    let schedule = Schedule::parse(schedule).unwrap();
    let next = schedule.next(after.parse().unwrap(), &zone);
    next.map_or("never".into(), |it| it.to_string())
}

#[test]
fn the_next_time_is_found() {
    for (schedule, after, wanted) in [
        ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
        ("* * * * *", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z"),
        ("*/15 * * * *", "2026-01-01T00:15:00Z", "2026-01-01T00:30:00Z"),
        ("5/20 * * * *", "2026-01-01T00:26:00Z", "2026-01-01T00:45:00Z"),
        ("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z"),
        ("30 8-10,17 * * *", "2026-01-01T10:30:00Z", "2026-01-01T17:30:00Z"),
        ("0 0 31 * *", "2026-01-31T00:00:00Z", "2026-03-31T00:00:00Z"),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 30 2 *", "2026-01-01T00:00:00Z", "never"),
        ("0 0 1 JAN *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("0 9 * * mon-fri", "2026-01-02T09:00:00Z", "2026-01-05T09:00:00Z"),
        ("0 9 ? * 0", "2026-01-01T00:00:00Z", "2026-01-04T09:00:00Z"),
        // Both fields for days restricted: one is enough.
        ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("0 0 13 * 5", "2026-01-10T00:00:00Z", "2026-01-13T00:00:00Z"),
        // A step restricts: every second day, or a Monday.
        ("0 0 */2 * 1", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"),
        ("0 0 */2 * 1", "2026-01-11T00:00:00Z", "2026-01-12T00:00:00Z"),
        ("@hourly", "2026-01-01T00:10:00Z", "2026-01-01T01:00:00Z"),
        ("@daily", "2026-01-01T00:10:00Z", "2026-01-02T00:00:00Z"),
        ("@weekly", "2026-01-01T00:10:00Z", "2026-01-04T00:00:00Z"),
        ("@monthly", "2026-01-01T00:10:00Z", "2026-02-01T00:00:00Z"),
        ("@yearly", "2026-01-01T00:10:00Z", "2027-01-01T00:00:00Z"),
        ("@every 1h30m", "2026-01-01T00:10:00Z", "2026-01-01T01:40:00Z"),
    ] {
        assert_eq!(next(schedule, "UTC", after), wanted, "{schedule} after {after}");
    }
}

#[test]
fn a_time_zone_moves_it_and_its_two_odd_nights_are_kept() {
    let berlin = "Europe/Berlin";
    assert_eq!(next("0 3 * * *", berlin, "2026-01-01T00:00:00Z"), "2026-01-01T02:00:00Z");
    assert_eq!(next("0 3 * * *", berlin, "2026-07-01T02:00:00Z"), "2026-07-02T01:00:00Z");
    // Half past two does not exist on 29 March: the next night has it.
    assert_eq!(next("30 2 * * *", berlin, "2026-03-28T12:00:00Z"), "2026-03-30T00:30:00Z");
    // On 25 October there are two.
    assert_eq!(next("30 2 * * *", berlin, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(next("30 2 * * *", berlin, "2026-10-25T00:30:00Z"), "2026-10-25T01:30:00Z");
    assert_eq!(next("0 * * * *", "Asia/Kolkata", "2026-01-01T00:00:00Z"), "2026-01-01T00:30:00Z");
    // A midnight that does not exist: the day begins at one.
    assert_eq!(next("0 5 15 * *", "America/Asuncion", "2024-10-05T12:00:00Z"), "2024-10-15T08:00:00Z");
}

#[test]
fn what_is_no_schedule_says_why() {
    for (text, wanted) in [
        ("", ParseSchedule::Count(0)),
        ("* * * *", ParseSchedule::Count(4)),
        ("* * * * * *", ParseSchedule::Count(6)),
        ("60 * * * *", ParseSchedule::Range("60".into(), 0, 59)),
        ("* * 0 * *", ParseSchedule::Range("0".into(), 1, 31)),
        ("* * * * 7", ParseSchedule::Range("7".into(), 0, 6)),
        ("* * * 1-13 *", ParseSchedule::Range("1-13".into(), 1, 12)),
        ("5-3 * * * *", ParseSchedule::Backwards("5-3".into())),
        ("*/0 * * * *", ParseSchedule::Step("*/0".into())),
        ("*/x * * * *", ParseSchedule::Step("*/x".into())),
        ("jan * * * *", ParseSchedule::Word("jan".into())),
        ("1,,2 * * * *", ParseSchedule::Word(String::new())),
        ("-1 * * * *", ParseSchedule::Word(String::new())),
        ("+1 * * * *", ParseSchedule::Word("+1".into())),
        ("99999999999 * * * *", ParseSchedule::Word("99999999999".into())),
        ("@often", ParseSchedule::Descriptor("@often".into())),
        ("@every 0s", ParseSchedule::Every("0s".into())),
        ("@every 1y", ParseSchedule::Every("1y".into())),
        ("@every 99999999999999999999h", ParseSchedule::Every("99999999999999999999h".into())),
        ("TZ=UTC * * * * *", ParseSchedule::Zone),
    ] {
        assert_eq!(Schedule::parse(text).unwrap_err(), wanted, "{text}");
    }
}

#[test]
fn the_last_time_that_came_is_found_however_long_ago() {
    let last = |schedule: &str, after: &str, now: &str| {
        let last =
            Schedule::parse(schedule).unwrap().last(after.parse().unwrap(), now.parse().unwrap(), &TimeZone::UTC);
        last.map_or("none".into(), |it| it.to_string())
    };
    for (schedule, after, now, wanted) in [
        ("0 * * * *", "2026-01-01T00:30:00Z", "2026-01-01T00:59:59Z", "none"),
        ("0 * * * *", "2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z"),
        ("0 * * * *", "2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z", "none"),
        ("* * * * *", "2000-01-01T00:00:00Z", "2026-01-01T01:00:30Z", "2026-01-01T01:00:00Z"),
        ("* 0-5 * * *", "2000-01-01T00:00:00Z", "2026-01-01T23:00:00Z", "2026-01-01T05:59:00Z"),
        ("0 0 1 1 *", "2000-01-01T00:00:00Z", "2026-12-31T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("0 0 30 2 *", "2000-01-01T00:00:00Z", "2026-12-31T00:00:00Z", "none"),
        ("@every 7s", "2026-01-01T00:00:00Z", "2026-01-01T00:00:20Z", "2026-01-01T00:00:14Z"),
        ("@every 7s", "2026-01-01T00:00:00Z", "2026-01-01T00:00:06Z", "none"),
        // A clock that was set back.
        ("* * * * *", "2026-01-02T00:00:00Z", "2026-01-01T00:00:20Z", "none"),
        ("@every 7s", "2026-01-02T00:00:00Z", "2026-01-01T00:00:20Z", "none"),
    ] {
        assert_eq!(last(schedule, after, now), wanted, "{schedule} between {after} and {now}");
    }
}
