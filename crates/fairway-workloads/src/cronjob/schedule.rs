//! When a CronJob is due: five fields, or a word for them. Pure.
//!
//! As the cron of kube-controller-manager reads it: a day fits if both of its fields do, unless both are restricted: then
//! one is enough. In the night in which clocks go forward what lies in the gap is left out.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

/// After so many years nothing will come any more: `0 0 30 2 *`.
const YEARS: i16 = 5;
/// How far is looked back for the last time, in steps: dense schedules are found early.
const BACK: [i64; 4] = [3600, 86_400, 32 * 86_400, 1827 * 86_400];

/// A schedule that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ParseSchedule {
    #[error("expected exactly 5 fields, found {0}")]
    Count(usize),
    #[error("{0:?} is not a number or a name of this field")]
    Word(String),
    #[error("{0:?} lies outside of {1} to {2}")]
    Range(String, u32, u32),
    #[error("{0:?} is no step; it must be at least 1")]
    Step(String),
    #[error("{0:?} ends before it begins")]
    Backwards(String),
    #[error("{0:?} is no duration of at least a second, such as 1h30m")]
    Every(String),
    #[error("unrecognized descriptor {0:?}")]
    Descriptor(String),
    #[error("the time zone belongs in spec.timeZone")]
    Zone,
}

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Schedule {
    Fields(Box<Fields>),
    /// Again and again after this long.
    Every(Duration),
}

/// A bit for each value that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether one of the two fields for days is not restricted.
    any_day: bool,
}

/// What a field may hold.
struct Bounds {
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { first: 0, last: 59, names: &[] };
const HOURS: Bounds = Bounds { first: 0, last: 23, names: &[] };
const DAYS: Bounds = Bounds { first: 1, last: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    first: 1,
    last: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds = Bounds { first: 0, last: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Schedule {
    /// Reads one.
    pub(super) fn parse(text: &str) -> Result<Self, ParseSchedule> {
        let text = text.trim();
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            return Err(ParseSchedule::Zone);
        }
        if let Some(every) = text.strip_prefix("@every ") {
            return duration(every).map(Self::Every).ok_or_else(|| ParseSchedule::Every(every.to_owned()));
        }
        let fields = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            word if word.starts_with('@') => return Err(ParseSchedule::Descriptor(word.to_owned())),
            fields => fields,
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(ParseSchedule::Count(fields.len()));
        };
        let ((days, every_day), (weekdays, every_weekday)) = (field(days, &DAYS)?, field(weekdays, &WEEKDAYS)?);
        Ok(Self::Fields(Box::new(Fields {
            minutes: field(minutes, &MINUTES)?.0,
            hours: field(hours, &HOURS)?.0,
            days,
            months: field(months, &MONTHS)?.0,
            weekdays,
            any_day: every_day || every_weekday,
        })))
    }

    /// The first time after this one.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(wait) => after.saturating_add(*wait).ok(),
            Self::Fields(fields) => fields.next(after, zone),
        }
    }

    /// The last time after `after` that is not later than `now`.
    pub(super) fn last(&self, after: Timestamp, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if let Self::Every(wait) = self {
            let wait = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).max(1);
            let times = now.duration_since(after).as_secs().div_euclid(wait);
            let passed = SignedDuration::from_secs(times.saturating_mul(wait));
            return after.saturating_add(passed).ok().filter(|_| times > 0);
        }
        for back in BACK {
            let from = now.saturating_sub(SignedDuration::from_secs(back)).ok()?.max(after);
            let times = std::iter::successors(self.next(from, zone), |it| self.next(*it, zone));
            if let Some(last) = times.take_while(|it| *it <= now).last() {
                return Some(last);
            }
            if from == after {
                return None;
            }
        }
        None
    }
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let minute = Timestamp::from_second(after.as_second().div_euclid(60).checked_mul(60)?).ok()?;
        let mut at = minute.to_zoned(zone.clone()).checked_add(SignedDuration::from_mins(1)).ok()?;
        let end = at.year().saturating_add(YEARS);
        while at.year() <= end {
            at = if !has(self.months, at.month()) {
                at.date().last_of_month().tomorrow().ok()?.to_zoned(zone.clone()).ok()?
            } else if !self.fits_day(&at) {
                at.date().tomorrow().ok()?.to_zoned(zone.clone()).ok()?
            } else if !has(self.hours, at.hour()) {
                at.checked_add(SignedDuration::from_mins(60 - i64::from(at.minute()))).ok()?
            } else if !has(self.minutes, at.minute()) {
                at.checked_add(SignedDuration::from_mins(1)).ok()?
            } else {
                return Some(at.timestamp());
            };
        }
        None
    }

    fn fits_day(&self, at: &Zoned) -> bool {
        let day = has(self.days, at.day());
        let weekday = has(self.weekdays, at.weekday().to_sunday_zero_offset());
        if self.any_day { day && weekday } else { day || weekday }
    }
}

fn has(bits: u64, value: i8) -> bool {
    u32::try_from(value).is_ok_and(|it| bits & (1 << it) != 0)
}

/// A list of ranges: what fits, and whether that is everything because it says so.
fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), ParseSchedule> {
    let mut bits = 0;
    let mut any = false;
    for part in text.split(',') {
        let (part_bits, part_any) = range(part, bounds)?;
        bits |= part_bits;
        any |= part_any;
    }
    Ok((bits, any))
}

fn range(part: &str, bounds: &Bounds) -> Result<(u64, bool), ParseSchedule> {
    let (range, step) = match part.split_once('/') {
        None => (part, 1),
        Some((range, step)) => {
            let number = step.parse::<u32>().ok().filter(|it| *it > 0);
            (range, number.ok_or_else(|| ParseSchedule::Step(part.to_owned()))?)
        }
    };
    let is_any = matches!(range, "*" | "?");
    let (first, last) = match range.split_once('-') {
        _ if is_any => (bounds.first, bounds.last),
        Some((first, last)) => (value(first, bounds)?, value(last, bounds)?),
        // From there on, if there is a step.
        None if part.contains('/') => (value(range, bounds)?, bounds.last),
        None => (value(range, bounds)?, value(range, bounds)?),
    };
    if first < bounds.first || last > bounds.last {
        return Err(ParseSchedule::Range(part.to_owned(), bounds.first, bounds.last));
    }
    if first > last {
        return Err(ParseSchedule::Backwards(part.to_owned()));
    }
    let step_by = usize::try_from(step).unwrap_or(usize::MAX);
    let bits = (first..=last).step_by(step_by).fold(0, |bits, it| bits | 1 << it);
    Ok((bits, is_any && step == 1))
}

fn value(text: &str, bounds: &Bounds) -> Result<u32, ParseSchedule> {
    let named = bounds.names.iter().position(|it| it.eq_ignore_ascii_case(text));
    let named = named.and_then(|it| u32::try_from(it).ok()).map(|it| it + bounds.first);
    let number = text.bytes().all(|it| it.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    named.or(number).ok_or_else(|| ParseSchedule::Word(text.to_owned()))
}

/// Hours, minutes and seconds, as `1h30m`.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest.as_bytes()[digits] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
