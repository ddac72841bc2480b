//! The name of the first test that failed, from what a step printed: cargo test, nextest, pytest, go test, TAP.

/// No name of a test is longer.
const MOST: usize = 200;

/// The first failed test that a log names.
pub fn first(log: &str) -> Option<String> {
    log.lines().map(plain).find_map(|line| name(&line))
}

fn name(line: &str) -> Option<String> {
    let line = line.trim();
    let found =
        cargo(line).or_else(|| nextest(line)).or_else(|| pytest(line)).or_else(|| go(line)).or_else(|| tap(line))?;
    let found = found.trim();
    let cut = found.floor_char_boundary(MOST);
    (!found.is_empty()).then(|| found[..cut].to_owned())
}

/// `test orders::tests::adds ... FAILED`
fn cargo(line: &str) -> Option<&str> {
    let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
    // `test src/lib.rs - add (line 3) - should panic ... FAILED`
    Some(name.strip_suffix(" - should panic").unwrap_or(name))
}

/// `        FAIL [   0.005s] orders tests::adds`
fn nextest(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("FAIL [")?;
    Some(rest.split_once(']')?.1)
}

/// `FAILED tests/test_orders.py::test_adds - assert 1 == 2`
fn pytest(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("FAILED ")?;
    let name = rest.split(" - ").next().unwrap_or(rest);
    name.contains("::").then_some(name)
}

/// `--- FAIL: TestAdds (0.00s)`
fn go(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("--- FAIL: ")?;
    Some(rest.split(" (").next().unwrap_or(rest))
}

/// `not ok 2 - adds`, unless it was expected.
fn tap(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("not ok ")?;
    let (name, directive) = rest.split_once(" # ").unwrap_or((rest, ""));
    let directive = directive.trim_start().to_ascii_uppercase();
    if directive.starts_with("TODO") || directive.starts_with("SKIP") {
        return None;
    }
    Some(name.trim_start_matches(|it: char| it.is_ascii_digit()).trim_start().trim_start_matches("- "))
}

/// Without colours and other control characters.
pub(super) fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(it) = characters.next() {
        if it != '\u{1b}' {
            if !it.is_control() {
                text.push(it);
            }
            continue;
        }
        // `ESC [ parameters letter`; any other escape is dropped alone.
        if characters.as_str().starts_with('[') {
            characters.by_ref().skip(1).find(|it| ('@'..='~').contains(it));
        }
    }
    text
}

#[cfg(test)]
mod tests;
