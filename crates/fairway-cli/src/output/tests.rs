use super::*;

#[derive(Serialize)]
struct Thing {
    name: String,
}

impl Report for Thing {
    fn table(&self) -> String {
        format!("it is {}\n", self.name)
    }

    fn names(&self) -> Vec<String> {
        vec![format!("thing/{}", self.name)]
    }
}

#[test]
fn a_result_is_printed_as_it_is_wanted() {
    let it = Thing { name: "a".to_owned() };
    for (format, text) in [
        (Format::Table, "it is a\n"),
        (Format::Json, "{\n  \"name\": \"a\"\n}\n"),
        (Format::Yaml, "name: a\n"),
        (Format::Name, "thing/a\n"),
    ] {
        assert_eq!(render(&it, format).unwrap(), text);
    }
}

#[test]
fn what_comes_from_outside_cannot_steer_the_terminal() {
    let it = Thing { name: "a\x1b]0;title\x07".to_owned() };
    assert_eq!(render(&it, Format::Table).unwrap(), "it is a]0;title\n");
    assert_eq!(render(&it, Format::Name).unwrap(), "thing/a]0;title\n");
}

#[test]
fn a_failure_is_carried_by_words() {
    let failure = Failure::failed("it broke\x1b[2J").details(["first".to_owned()]).hint("platform doctor");
    let plain = anstream::adapter::strip_str(&failure_text(&failure)).to_string();
    assert_eq!(plain, "error: it broke[2J\n  first\nhint: platform doctor\n");
}
