//! The product's controllers on a real API server, with the real agent. There is no node: the tests say what a kubelet
//! would say of each Pod.

mod support;

mod deliveries;

mod killed;

mod resources;

mod migrations;

mod foreign;

mod leaving;

mod poison;

mod egress;

mod pipelines;

mod places;

mod branches;
