use super::*;

fn read(variables: &[(&'static str, &str)]) -> Result<Settings, InvalidSetting> {
    Settings::read(|name| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
}

#[test]
fn nothing_has_to_be_set() {
    let settings = read(&[]).expect("the defaults are valid");
    assert_eq!((settings.port, settings.log_level), (8080, LevelFilter::INFO));
    assert_eq!(settings.drain, Duration::from_millis(500));
}

#[test]
fn what_is_set_counts() {
    let settings = read(&[("PORT", "9000"), ("GREETING", "good day"), ("LOG_LEVEL", "debug"), ("DRAIN_MS", "0")]);
    let settings = settings.expect("they are valid");
    assert_eq!((settings.port, settings.greeting.as_str()), (9000, "good day"));
    assert_eq!((settings.log_level, settings.drain), (LevelFilter::DEBUG, Duration::ZERO));
}

#[test]
fn a_mistake_names_the_variable_its_value_and_what_is_wanted() {
    for (name, value) in
        [("PORT", "70000"), ("PORT", ""), ("LOG_LEVEL", "loud"), ("DRAIN_MS", "-1"), ("DRAIN_MS", "60000")]
    {
        let mistake = read(&[(name, value)]).expect_err("it is not valid").to_string();
        assert!(mistake.starts_with(&format!("{name} is {value:?}, and must be")), "{mistake}");
    }
}
