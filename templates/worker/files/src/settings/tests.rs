use super::*;

fn read(variables: &[(&'static str, &str)]) -> Result<Settings, InvalidSetting> {
    Settings::read(|name| variables.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
}

#[test]
fn nothing_has_to_be_set_and_what_is_set_counts() {
    let usual = read(&[]).expect("the defaults are valid");
    assert_eq!((usual.interval, usual.log_level), (Duration::from_secs(10), LevelFilter::INFO));
    let set = read(&[("INTERVAL", "60"), ("LOG_LEVEL", "debug")]).expect("they are valid");
    assert_eq!((set.interval, set.log_level), (Duration::from_secs(60), LevelFilter::DEBUG));
}

#[test]
fn a_mistake_names_the_variable_its_value_and_what_is_wanted() {
    for (name, value) in [("INTERVAL", "0"), ("INTERVAL", "often"), ("INTERVAL", "3601"), ("LOG_LEVEL", "loud")] {
        let mistake = read(&[(name, value)]).expect_err("it is not valid").to_string();
        assert!(mistake.starts_with(&format!("{name} is {value:?}, and must be")), "{mistake}");
    }
}
