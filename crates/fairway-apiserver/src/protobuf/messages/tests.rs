use super::*;

#[test]
fn every_line_of_the_table_is_read_and_every_message_it_names_is_there() {
    for line in TABLE.lines() {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap();
        let message = find(name).unwrap();
        assert_eq!(message.fields.len(), fields.count(), "{name}");
        assert!(message.fields.is_sorted_by(|a, b| a.number < b.number), "{name}: a number twice, or out of order");
        message.fields.iter().for_each(|it| check(name, &it.form));
    }
}

fn check(name: &str, form: &Form) {
    match form {
        Form::Message(other) | Form::Either(other) => assert!(find(other).is_some(), "{name} refers to {other}"),
        Form::List(of) | Form::Wrapped(of) | Form::Map(of) => check(name, of),
        _ => {}
    }
}

#[test]
fn every_built_in_kind_has_a_message() {
    for it in crate::kinds::builtin() {
        let name = crate::kinds::schema_name(&it.group, &it.version, &it.kind).unwrap();
        assert!(find(name).is_some(), "{name}");
    }
}
