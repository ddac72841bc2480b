use crate::why::CauseKind;
use crate::why::fixtures::*;

const REFUSED: &str = "Readiness probe failed: dial tcp 10.88.0.4:8080: Connection refused (os error 111)";

#[test]
fn the_port_that_it_listens_on_is_held_against_the_one_it_is_called_on() {
    let sentence = "the program listens on port 8081, and is called on port 8080";
    let seen = running(&["listening on http://0.0.0.0:8081", "ready"]).event("Unhealthy", REFUSED);
    let cause = is(&seen, CauseKind::PortMismatch, sentence);
    assert!(cause.evidence.iter().any(|it| it.place == "Service my-api" && it.text == "leads port 80 to 8080"));
    let gone = taken_back("container web runs and is not ready", &["listening on :8081"]).event("Unhealthy", REFUSED);
    is(&gone, CauseKind::PortMismatch, sentence);
}

#[test]
fn an_address_that_only_itself_can_reach_is_named() {
    let sentence = "the program listens on 127.0.0.1:8080, which only itself can reach, and is called from outside; it must listen on 0.0.0.0:8080";
    is(
        &running(&["Uvicorn running on http://127.0.0.1:8080"]).event("Unhealthy", REFUSED),
        CauseKind::PortMismatch,
        sentence,
    );
}

#[test]
fn a_program_that_does_not_listen_yet_is_on_no_other_port() {
    blames_nobody(&running(&["loading the model"]).event("Unhealthy", REFUSED));
    blames_nobody(&running(&["listening on 0.0.0.0:8080"]).event("Unhealthy", REFUSED));
    blames_nobody(&exited(1, &["listening on 0.0.0.0:8081", "oh no"]).event("Unhealthy", REFUSED));
}
