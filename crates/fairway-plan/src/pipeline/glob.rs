//! Patterns: `*` for anything within a part of a path, `**` for anything at all, `?` for one character.

/// Whether a path of a repository fits a pattern. A pattern that names a folder fits all that is in it.
pub fn path(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_end_matches('/');
    let within = path.strip_prefix(pattern).is_some_and(|it| it.starts_with('/'));
    within || matches(pattern.as_bytes(), path.as_bytes(), true)
}

/// Whether a branch fits a pattern; here `*` stands for anything, with slashes too.
pub fn branch(pattern: &str, branch: &str) -> bool {
    matches(pattern.as_bytes(), branch.as_bytes(), false)
}

/// Without recursion: time grows as the product of both lengths, whatever the pattern.
fn matches(pattern: &[u8], text: &[u8], parted: bool) -> bool {
    // reached[i]: the pattern from i on may still match the text from here on.
    let parts = tokens(pattern, parted);
    let mut reached = vec![false; parts.len() + 1];
    reached[0] = true;
    spread(&parts, &mut reached);
    for byte in text {
        let mut next = vec![false; parts.len() + 1];
        for (index, token) in parts.iter().enumerate().filter(|it| reached[it.0]) {
            match token {
                Token::Literal(it) if it == byte => next[index + 1] = true,
                Token::One if !parted || *byte != b'/' => next[index + 1] = true,
                Token::Part if *byte != b'/' => next[index] = true,
                Token::Anything => next[index] = true,
                Token::Literal(_) | Token::One | Token::Part => {}
            }
        }
        spread(&parts, &mut next);
        reached = next;
    }
    reached[parts.len()]
}

/// Stars match nothing too.
fn spread(parts: &[Token], reached: &mut [bool]) {
    for (index, token) in parts.iter().enumerate() {
        if reached[index] && matches!(token, Token::Part | Token::Anything) {
            reached[index + 1] = true;
        }
    }
}

enum Token {
    Literal(u8),
    One,
    Part,
    Anything,
}

fn tokens(pattern: &[u8], parted: bool) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < pattern.len() {
        match &pattern[at..] {
            [b'*', b'*', b'/', ..] if parted => {
                // `a/**/b` is `a/b` too.
                tokens.push(Token::Anything);
                at += 3;
                continue;
            }
            [b'*', b'*', ..] => {
                tokens.push(Token::Anything);
                at += 1;
            }
            [b'*', ..] => tokens.push(if parted { Token::Part } else { Token::Anything }),
            [b'?', ..] => tokens.push(Token::One),
            [byte, ..] => tokens.push(Token::Literal(*byte)),
            [] => {}
        }
        at += 1;
    }
    tokens
}

#[cfg(test)]
mod tests;
