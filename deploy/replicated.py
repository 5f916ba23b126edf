"""The manifests of several replicas: those of one, with passages put in place of others, so that their comments stay.

What is the same is written once, in `kubernetes/`; what is different stands here, beside what it takes the place of.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml

_ONE: Final = Path(__file__).parent / "kubernetes"
_SEVERAL: Final = _ONE / "replicas"
_SCRAPED: Final = Path(__file__).parent / "prometheus" / "replicas.yml"

_HEAD: Final = """\
# Made from deploy/kubernetes/{name} by deploy/derive.py.
# In the repository change that one; a copy of this is yours.
"""
_DEPLOYMENT: Final = (
    (
        """\
# One process, because the state is one SQLite file that one process holds locked. A Deployment rather than a
# StatefulSet: there is nothing to number, the claim outlives the workload and can be resized, and after the loss of a
# node the successor starts by itself as soon as the volume is free, where a StatefulSet waits for a hand.
# Recreate, because a rolling update would start the new process while the old one still holds the file.
""",
        """\
# Three processes that share the terminals by leases in PostgreSQL, so there is nothing to number and nothing to
# claim. An account, or a hundred terminals of a large one, is read by one of them at a time: where there are fewer of
# those than replicas, the others wait to take over, and that is all they are for.
""",
    ),
    (
        """\
  replicas: 1
  strategy:
    type: Recreate
""",
        """\
  replicas: 3
  # A new one is up and has its shares before an old one hands over its own: there are never fewer than three, and a
  # configuration or a version that does not start ends the rollout before it costs a replica. The half minute is the
  # time in which shares come to rest; it is ready at once, because to hold no share yet is no fault.
  minReadySeconds: 30
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
""",
    ),
    (
        """\
      terminationGracePeriodSeconds: 15 # it needs less than 5
""",
        """\
      # Shares are handed over at once and it ends within 5 seconds. Where the database hangs it waits for that, until
      # it is killed: when the leases have run out (state.lease, 15 s) there is nothing left to hand over.
      terminationGracePeriodSeconds: 30
""",
    ),
    (
        """\
        fsGroupChangePolicy: OnRootMismatch
""",
        "",
    ),
    (
        """\
      containers:
""",
        """\
      # What fails together must not take two of them. By node that is a condition: one that waits for a place is
      # better than two that fall at once. A node that is cordoned or lost does not count, or a drain would leave its
      # pod without a place. By zone it is a wish, because not every cluster has them. A rollout is spread by itself,
      # apart from the pods that go.
      topologySpreadConstraints:
        - topologyKey: kubernetes.io/hostname
          maxSkew: 1
          whenUnsatisfiable: DoNotSchedule
          nodeTaintsPolicy: Honor
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: epay-exporter
          matchLabelKeys: [pod-template-hash]
        - topologyKey: topology.kubernetes.io/zone
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app.kubernetes.io/name: epay-exporter
          matchLabelKeys: [pod-template-hash]
      containers:
""",
    ),
    (
        """\
          ports:
            - name: metrics
""",
        """\
          # For libpq, which takes it as it is: nothing is to be percent-encoded, and no URL holds it. It is no file,
          # as the bank's credentials are: libpq passes over one that a group may read, and this user could read no
          # other.
          env:
            - name: PGPASSWORD
              valueFrom:
                secretKeyRef:
                  name: epay-exporter-postgresql   # made by hand, see deploy/README.md
                  key: password
          ports:
            - name: metrics
""",
    ),
    (
        """\
            - name: state
              mountPath: /data
""",
        """\
            - name: postgresql-ca       # read at every connection
              mountPath: /etc/epay-exporter-postgresql
              readOnly: true
""",
    ),
    (
        """\
        - name: state
          persistentVolumeClaim:
            claimName: epay-exporter
""",
        """\
        - name: postgresql-ca
          configMap:
            name: epay-exporter-postgresql-ca     # made by hand as well
            items:
              - key: ca.crt
                path: ca.crt
""",
    ),
)
_CONFIGMAP: Final = (
    (
        """\
# The configuration, without any secret in it: credentials are files of the Secret that the Deployment mounts.
""",
        """\
# The configuration, without any secret in it: credentials are files of the Secret that the Deployment mounts, and the
# password of the database is another one's, in PGPASSWORD.
""",
    ),
    (
        """\
      url: "sqlite:////data/state.db"   # on the PersistentVolumeClaim
""",
        """\
      # Host and database are yours. verify-full: the server must prove its name, by a certificate of this authority.
      url: "postgresql://epay_exporter@db.example.com/epay?sslmode=verify-full&sslrootcert=/etc/epay-exporter-postgresql/ca.crt"
""",
    ),
)
_NETWORK_POLICY: Final = (
    (
        """\
# In: Prometheus only (the kubelet's probes pass in any case). Out: names, and HTTPS to the world outside, where the
# bank is. Narrow the last one to the bank's addresses or to your proxy, if you know them.
""",
        """\
# In: Prometheus only (the kubelet's probes pass in any case). Out: names, PostgreSQL, and HTTPS to the world outside,
# where the bank is. Narrow the last one to the bank's addresses or to your proxy, if you know them. The replicas do
# not talk to each other: they meet in the database.
""",
    ),
    (
        """\
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
""",
        """\
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: postgresql   # where your PostgreSQL runs; outside of the cluster: an ipBlock
          podSelector:
            matchLabels:
              app.kubernetes.io/name: postgresql
      ports:
        - protocol: TCP
          port: 5432
    - to:
        - ipBlock:
            cidr: 0.0.0.0/0
""",
    ),
)
_SERVICE_MONITOR: Final = (
    (
        """\
      scrapeTimeout: 10s
""",
        """\
      scrapeTimeout: 10s
      # A terminal's series come from whichever replica holds its share, and must be one series for Prometheus, or
      # each failover would begin a new one and lose from increase() what had been committed after the last scrape. So
      # nothing but `instance` may tell replicas apart: it is the pod's name, the label `pod` goes, and what is of
      # terminals, and of accounts as the bank sees them, is given the same one. The exporter's own metrics keep their
      # pod's: what three processes say of themselves are three series, and as one it would jump between them.
      relabelings:
        - sourceLabels: [__meta_kubernetes_pod_name]
          targetLabel: instance
        - action: labeldrop
          regex: pod
      # As metric_relabel_configs of deploy/prometheus/replicas.yml.
      metricRelabelings:
{relabelings}""",
    ),
)


def deployment() -> str:
    """Three pods that may run side by side, of which a failure of a node takes one."""
    return _several("deployment.yaml", _DEPLOYMENT)


def configmap() -> str:
    """The same terminals with their state in PostgreSQL."""
    return _several("configmap.yaml", _CONFIGMAP)


def network_policy() -> str:
    """The way to PostgreSQL as well."""
    return _several("networkpolicy.yaml", _NETWORK_POLICY)


def service() -> str:
    """The same as of one: scrapes go to every pod behind it."""
    return _several("service.yaml", ())


def service_monitor() -> str:
    """The scrape of all replicas with the shipped relabelling, in the operator's words."""
    scrape = yaml.safe_load(_SCRAPED.read_text(encoding="utf-8"))["scrape_configs"][0]
    listed = yaml.safe_dump(
        [{_camel(key): value for key, value in each.items()} for each in scrape["metric_relabel_configs"]],
        sort_keys=False,
        width=10_000,
    )
    written = "".join(f"        {line}\n" for line in listed.splitlines())
    changes = [(old, new.format(relabelings=written)) for old, new in _SERVICE_MONITOR]
    return _several("prometheus-operator/servicemonitor.yaml", changes)


def _several(name: str, changes: Iterable[tuple[str, str]]) -> str:
    """A manifest of one replica with passages put in place of others. Raises ValueError where one is not there once."""
    text = (_ONE / name).read_text(encoding="utf-8")
    for old, new in changes:
        if text.count(old) != 1:
            raise ValueError(f"{name}: not there, or not once:\n{old}")
        text = text.replace(old, new)
    return _HEAD.format(name=name) + text


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(other.capitalize() for other in others)


REPLICATED: Final = {
    _SEVERAL / "deployment.yaml": deployment,
    _SEVERAL / "configmap.yaml": configmap,
    _SEVERAL / "networkpolicy.yaml": network_policy,
    _SEVERAL / "service.yaml": service,
    _SEVERAL / "prometheus-operator" / "servicemonitor.yaml": service_monitor,
}
"""File → its text."""
