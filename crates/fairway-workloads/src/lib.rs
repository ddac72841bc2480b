//! Deployment, ReplicaSet, Service and EndpointSlice controllers.
