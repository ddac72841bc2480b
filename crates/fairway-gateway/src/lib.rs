//! HTTP gateway for HTTPRoutes.
