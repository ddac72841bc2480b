//! The name that was meant by a misspelt one.

/// The nearest of the known names, if one is near enough to be meant: a letter or two of a word, no more than a third.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let most = if length < 4 { 1 } else { (length / 3).clamp(1, 3) };
    let away = |it: &str| strsim::damerau_levenshtein(&name.to_ascii_lowercase(), &it.to_ascii_lowercase());
    let near = known.into_iter().map(|it| (away(it), it)).filter(|(away, it)| *away <= most && *it != name);
    near.min().map(|it| it.1)
}

#[cfg(test)]
mod tests;
