//! Pages show what runs: a story in `tests/e2e/stories` names the page that tells it, and that page shows exactly the
//! lines that the story runs, but for those marked `# story only`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::House;

const STORIES: &str = "tests/e2e/stories";

pub(super) fn pages_show_the_lines_of_their_stories(house: &House) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(house.root.join(STORIES)).with_context(|| format!("list {STORIES}"))? {
        let path = entry.with_context(|| format!("list {STORIES}"))?.path();
        let name = format!("{STORIES}/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let story = fs::read_to_string(&path).with_context(|| format!("read {name}"))?;
        wrong.extend(compare(&name, &story, |page| fs::read_to_string(house.root.join(page)).ok()));
    }
    wrong.sort();
    Ok(wrong)
}

/// What differs between a story and the page it names; a story may have none.
pub(super) fn compare(name: &str, story: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let named = story.lines().find_map(|it| it.strip_prefix("# The page is ")?.split_once(": ")).map(|it| it.0);
    let Some(named) = named else {
        let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
        let page = format!("docs/how-to/{stem}.md");
        return read(&page).map(|_| format!("{name}: it does not say `# The page is {page}: …`"));
    };
    let (page, anchor) = named.split_once('#').map_or((named, None), |(page, anchor)| (page, Some(anchor)));
    let Some(text) = read(page) else { return Some(format!("{name}: there is no page {page}")) };
    let (told, shown) = (told(story), shown(&text, anchor));
    let differs = (0..told.len().max(shown.len())).find(|it| told.get(*it) != shown.get(*it))?;
    let line = |lines: &[&str]| lines.get(differs).map_or_else(|| "nothing".to_owned(), |it| format!("`{it}`"));
    Some(format!("{named}: line {} is {}, the story {name} has {}", differs + 1, line(&shown), line(&told)))
}

/// The lines of a story that its page shows.
fn told(story: &str) -> Vec<&str> {
    let hidden = |it: &&str| it.is_empty() || it.starts_with('#') || *it == "set -eu" || it.contains("# story only");
    story.lines().filter(|it| !hidden(it)).collect()
}

/// The lines in a page's blocks of shell: of the whole page, or of one section of it.
fn shown<'a>(page: &'a str, anchor: Option<&str>) -> Vec<&'a str> {
    let mut here = anchor.is_none();
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside && here => lines.extend((!line.is_empty()).then_some(line)),
            _ if !inside && line.starts_with('#') && anchor.is_some() => {
                let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
                here = anchor == Some(title.as_str());
            }
            _ => {}
        }
    }
    lines
}
