//! Times, amounts and shares as people write them.

/// `90s`, `30m`, `2h`, or a plain number of seconds.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    whole(digits)?.checked_mul(factor).and_then(|it| u32::try_from(it).ok())
}

/// `512Mi`, `4Gi`, `1G`, or a plain number of bytes.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    whole(digits)?.checked_mul(factor)
}

/// Thousandths of a processor: `2`, `0.5`, `500m`.
pub(super) fn millicores(text: &str) -> Option<u32> {
    if let Some(milli) = text.strip_suffix('m') {
        return u32::try_from(whole(milli)?).ok();
    }
    let (whole_part, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = !fraction.is_empty() && fraction.len() <= 3 && fraction.bytes().all(|it| it.is_ascii_digit());
    let thousandths: u64 = plain.then(|| format!("{fraction:0<3}").parse().ok())??;
    whole(whole_part)?.checked_mul(1000)?.checked_add(thousandths).and_then(|it| u32::try_from(it).ok())
}

fn whole(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|it| it.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

/// As people would write it.
pub(super) fn spoken_seconds(seconds: u32) -> String {
    match seconds {
        it if it % 3600 == 0 => format!("{}h", it / 3600),
        it if it % 60 == 0 => format!("{}m", it / 60),
        it => format!("{it}s"),
    }
}

/// As people would write it.
pub(super) fn spoken_bytes(bytes: u64) -> String {
    for (unit, size) in [("Gi", 1u64 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
        if bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes / size);
        }
    }
    bytes.to_string()
}
