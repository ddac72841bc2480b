use proptest::prelude::*;

use super::*;

const GOOD: &str = include_str!("../../../../examples/hello/score.yaml");

fn findings(text: &str) -> Vec<String> {
    parse(text).1.iter().map(ToString::to_string).collect()
}

#[test]
fn the_example_parses_without_findings() {
    let (score, found) = parse(GOOD);
    assert_eq!(found, []);
    let score = score.unwrap();
    assert_eq!(score.name, "hello");
    let (workload, found) = workload(&score.workload);
    assert_eq!(found, []);
    assert_eq!(workload.ports["http"], ServicePort { port: 80, target: 8080 });
    assert_eq!(workload.ready_within, 10);
    assert_eq!(workload.containers["web"].variables["PORT"], "8080");
}

#[test]
fn every_mistake_is_found_at_once_and_says_where() {
    let text = "
apiVersion: score.dev/v9
metadata: { nam: x }
containers:
  Web:
    image: 7
    variables: { PORT: 8080, 1BAD: x, SECRET: '${resources.cache.password}' }
    readinessProbe: { httpGet: { path: healthz, port: 99999 } }
    resources: { limits: { memory: lots, gpu: 1 } }
    volumes: []
service: { ports: { http: { port: 0 } } }
resources: { db: { type: postgres, size: 1 }, Bad: [], other: { params: { plan: [] } } }
extra: 1
";
    let found = findings(text).join("\n");
    for part in [
        "apiVersion: is \"score.dev/v9\"",
        "metadata.name: is missing",
        "metadata.nam: is not known",
        "containers.Web: is not a name",
        "containers.Web.image: must be text, and is a number",
        "containers.Web.variables.PORT: must be text (quote it), and is a number",
        "containers.Web.variables.1BAD: is not a variable name",
        "containers.Web.variables.SECRET: has the placeholder \"${resources.cache.password}\", and no resource",
        "containers.Web.readinessProbe.httpGet: needs",
        "containers.Web.resources.limits.memory: is not an amount",
        "containers.Web.resources.limits.gpu: is not known",
        "containers.Web.volumes: is not supported yet",
        "service.ports.http.port: must be a port between 1 and 65535",
        "resources.db.size: is not known here",
        "resources.Bad: is not a name",
        "resources.Bad: must be a map with \"type\"",
        "resources.other.type: is missing",
        "resources.other.params.plan: must be a word",
        "extra: is not known",
    ] {
        assert!(found.contains(part), "{part} not in:\n{found}");
    }
}

#[test]
fn what_is_no_score_file_at_all_is_refused_in_one_finding() {
    let bomb = format!("a: &a [x]\n{}", (0..30).map(|it| format!("b{it}: &b{it} [*a, *a]\n")).collect::<String>());
    let deep = "[".repeat(100_000);
    let huge = "x".repeat(MAX_BYTES + 1);
    for text in ["", "just text", "- a\n- list", "a: [", "\0", &deep, &huge] {
        let (score, found) = parse(text);
        assert!(score.is_none() && !found.is_empty(), "{text:.20}");
        assert!(found.iter().all(|it| it.to_string().len() < 500));
    }
    assert!(parse(&bomb).0.is_none());
}

#[test]
fn an_unreasonable_ready_within_is_found() {
    for bad in ["0s", "2h", "61m", "ten", "-1s", "99999999999999m"] {
        let text = GOOD.replace("10s", bad);
        assert!(findings(&text).iter().any(|it| it.contains("ready-within")), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,400}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_value_in_a_field_makes_it_panic(value in "[ -~]{0,40}", line in 0usize..20) {
        let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
        let line = line % lines.len();
        if let Some((key, _)) = lines[line].clone().split_once(':') {
            lines[line] = format!("{key}: {value}");
        }
        let _ = parse(&lines.join("\n"));
    }
}

#[test]
fn what_a_workload_needs_is_read_with_its_class_version_and_plan() {
    let text = "apiVersion: score.dev/v1b1\nmetadata: { name: my-api }\ncontainers: { web: { image: . } }\nresources:\n  \
                db: { type: postgres, params: { version: 15, plan: small } }\n  cache: { type: redis, class: fast-redis }\n";
    let (score, findings) = parse(text);
    assert_eq!(findings, []);
    let (workload, _) = workload(&score.unwrap().workload);
    let db = Need {
        r#type: "postgres".to_owned(),
        class: None,
        version: Some("15".to_owned()),
        plan: Some("small".to_owned()),
    };
    assert_eq!(workload.resources["db"], db);
    assert_eq!(db.class_name(), "postgres");
    assert_eq!(workload.resources["cache"].class_name(), "fast-redis");
}

#[test]
fn a_value_is_parted_into_text_and_placeholders() {
    let text = |it: &str| Piece::Text(it.to_owned());
    let output = |need: &str, output: &str| Piece::Output { need: need.to_owned(), output: output.to_owned() };
    for (value, wanted) in [
        ("", vec![text("")]),
        ("plain $x $(y) {z}", vec![text("plain $x $(y) {z}")]),
        ("${resources.db.url}", vec![output("db", "url")]),
        (
            "a${resources.db.host}:${resources.db.port}",
            vec![text("a"), output("db", "host"), text(":"), output("db", "port")],
        ),
        ("$${resources.db.url}", vec![text("${resources.db.url}")]),
    ] {
        assert_eq!(pieces(value), Ok(wanted), "{value}");
    }
    for value in ["${", "${resources.db", "${metadata.name}", "${resources.db}", "${resources.db.a.b}", "${}"] {
        assert!(pieces(value).is_err(), "{value}");
    }
}
