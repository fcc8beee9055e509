"""The Kubernetes API of each simulated cluster, as kube-apiserver was recorded to answer."""
