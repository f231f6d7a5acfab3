#!/bin/sh
# Makes the machine a cell of Nodeless. Nothing in here is secret.
set -eu
umask 022
systemctl disable --now nodeadm-config nodeadm-run || :
imds=http://169.254.169.254/latest
session=$(curl -qsf -m 5 --retry 20 --retry-connrefused --retry-delay 1 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' $imds/api/token)
meta() { curl -qsf -m 5 --retry 5 -H "X-aws-ec2-metadata-token: $session" "$imds/meta-data/$1"; }
nic=network/interfaces/macs/$(meta mac)
addresses=$(meta "$nic/local-ipv4s")
subnet=$(meta "$nic/subnet-ipv4-cidr-block")
address=$(echo "$addresses" | head -n 1)
ranges=
for pod in $(echo "$addresses" | tail -n +2); do
  # Some images give it to the machine itself.
  ip -o -4 addr show to "$pod" | while read -r _ device _ own _; do ip addr del "$own" dev "$device"; done
  ranges="$ranges${ranges:+,}{\"subnet\":\"$subnet\",\"rangeStart\":\"$pod\",\"rangeEnd\":\"$pod\",\"gateway\":\"$address\"}"
done
[ -n "$ranges" ] || { echo 'nodeless: the machine has no address for pods' >&2; exit 1; }
driver=cgroupfs systemd=false
[ ! -d /run/systemd/system ] || driver=systemd systemd=true
resolver=/etc/resolv.conf
[ ! -e /run/systemd/resolve/resolv.conf ] || resolver=/run/systemd/resolve/resolv.conf
share=0
core=0
while [ $core -lt "$(nproc)" ]; do
  case $core in 0) more=600 ;; 1) more=100 ;; 2) more=50 ;; 3) more=50 ;; *) more=25 ;; esac
  share=$((share + more)) core=$((core + 1))
done
reserved_cpu=$(((share + 9) / 10))m

mkdir -p /var/lib/nodeless /etc/cni/net.d /etc/containerd /etc/systemd/system /opt/cni/bin
chmod 700 /var/lib/nodeless
cat > /var/lib/nodeless/ca.crt <<'END-OF-NODELESS-FILE'
-----BEGIN CERTIFICATE-----
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
MIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCCMIIBszCC
-----END CERTIFICATE-----
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/kubeconfig <<'END-OF-NODELESS-FILE'
{"kind":"Config","apiVersion":"v1","clusters":[{"name":"default-cluster","cluster":{"server":"https://10.0.0.1:8443","certificate-authority":"/var/lib/nodeless/ca.crt"}}],"users":[{"name":"default-auth","user":{"client-certificate":"/var/lib/nodeless/pki/kubelet-client-current.pem","client-key":"/var/lib/nodeless/pki/kubelet-client-current.pem"}}],"contexts":[{"name":"default-context","context":{"cluster":"default-cluster","user":"default-auth"}}],"current-context":"default-context"}
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/curl.conf <<'END-OF-NODELESS-FILE'
silent
show-error
http1.1
cacert = "/var/lib/nodeless/ca.crt"
connect-timeout = 5
max-time = 15
header = "Accept: application/json"
header = "Content-Type: application/json"
write-out = "%{http_code}"
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/bootstrap.sh <<'END-OF-NODELESS-FILE'
#!/bin/sh
set -eu
umask 077
cd /var/lib/nodeless
mkdir -p pki
[ ! -e pki/kubelet-client-current.pem ] || exit 0
if [ ! -e bootstrap ]; then
  draft=$(mktemp -d bootstrap.XXXXXX)
  printf '[req]\ndistinguished_name=name\n[name]\n' > $draft/req.cnf
  openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out $draft/key.pem
  openssl req -new -sha256 -config $draft/req.cnf -subj '/O=system:nodes/CN=system:node:nodeless' -key $draft/key.pem -out $draft/request.pem
  openssl pkey -in $draft/key.pem -pubout -outform DER | openssl dgst -sha256 -hex | sed 's/.* //' > $draft/key
  key=$(cat $draft/key)
  echo '{"kind":"CertificateSigningRequest","apiVersion":"certificates.k8s.io/v1","metadata":{"name":"node-csr-@KEY@"},"spec":{"request":"@REQUEST@","signerName":"kubernetes.io/kube-apiserver-client-kubelet","usages":["digital signature","client auth"]}}' | sed "s,@KEY@,$key,; s,@REQUEST@,$(base64 -w 0 $draft/request.pem)," > $draft/request.json
  url=https://10.0.0.1:8443/apis/certificates.k8s.io/v1/certificatesigningrequests
  echo "$url $url/node-csr-$key" > $draft/urls
  mv -T $draft bootstrap
fi
read -r url granted < bootstrap/urls

# Of this process: a curl that outlives a killed predecessor writes elsewhere.
answer=bootstrap/answer.$$
error=bootstrap/error.$$

ask() { curl -q --config bootstrap/curl.conf --output $answer "$@" 2> $error || :; }

authorize() {
  token=$(sh ./identity.sh "$(cat bootstrap/key)") || return 1
  { cat curl.conf; printf 'header = "Authorization: Bearer %s"\n' "$token"; } > bootstrap/curl.conf
}

attempt() {
  : > $answer
  : > $error
  status=none
  authorize 2> $error || return 1
  status=$(ask --data-binary @bootstrap/request.json "$url")
  [ "$status" != 409 ] || status=$(ask "$granted")
  case $status in 200 | 201) ;; *) return 1 ;; esac
  certificate=$(sed -n 's/.*"certificate" *: *"\([A-Za-z0-9+/=]*\)".*/\1/p' $answer)
  echo "$certificate" | base64 -d > bootstrap/client.pem
  grep -q '^-----BEGIN CERTIFICATE-----' bootstrap/client.pem
}

tell() {
  why="$status $(head -c 300 $error | sed 's/ after [0-9]* ms//') $(head -c 300 $answer)"
  [ "$why" = "$told" ] || echo "$(date -u +%FT%TZ) no certificate yet, asking on: $why"
  told=$why
}

told=
pause=0.05
until attempt; do
  tell
  sleep "$pause"
  case $pause in 0.05) pause=0.1 ;; 0.1) pause=0.2 ;; 0.2) pause=0.5 ;; 0.5) pause=1 ;; *) pause=2 ;; esac
done

pair=$PWD/pki/kubelet-client-$(date +%Y-%m-%d-%H-%M-%S).pem
{ cat bootstrap/client.pem; echo; cat bootstrap/key.pem; } > "$pair"
ln -sf "$pair" pki/kubelet-client-updated.pem
mv -f pki/kubelet-client-updated.pem pki/kubelet-client-current.pem
# What asked is of no more use. Last: whoever dies before has to ask again.
rm -rf bootstrap
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/kubelet.json <<'END-OF-NODELESS-FILE'
{"kind":"KubeletConfiguration","apiVersion":"kubelet.config.k8s.io/v1beta1","authentication":{"anonymous":{"enabled":false},"webhook":{"enabled":true,"cacheTTL":"10s"},"x509":{"clientCAFile":"/var/lib/nodeless/ca.crt"}},"authorization":{"mode":"Webhook","webhook":{"cacheAuthorizedTTL":"30s","cacheUnauthorizedTTL":"5s"}},"rotateCertificates":true,"serverTLSBootstrap":true,"clusterDNS":["10.96.0.10"],"clusterDomain":"cluster.local","contentType":"application/json","evictionPressureTransitionPeriod":"0s","healthzPort":0,"nodeLeaseDurationSeconds":40,"nodeStatusReportFrequency":"10s","nodeStatusUpdateFrequency":"10s","readOnlyPort":0,"serializeImagePulls":false,"cgroupDriver":"@CGROUP_DRIVER@","containerRuntimeEndpoint":"unix:///run/containerd/containerd.sock","evictionHard":{"memory.available":"100Mi","nodefs.available":"10%","nodefs.inodesFree":"5%"},"failSwapOn":false,"kubeReserved":{"cpu":"@RESERVED_CPU@","memory":"266Mi"},"maxPods":2,"resolvConf":"@RESOLV_CONF@","podPidsLimit":500,"registerNode":false}
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/kube-proxy.json <<'END-OF-NODELESS-FILE'
{"kind":"KubeProxyConfiguration","apiVersion":"kubeproxy.config.k8s.io/v1alpha1","mode":"iptables","hostnameOverride":"nodeless","clientConnection":{"kubeconfig":"/var/lib/nodeless/kubeconfig","contentType":"application/json"},"healthzBindAddress":"127.0.0.1:10256","metricsBindAddress":"127.0.0.1:10249","detectLocalMode":"InterfaceNamePrefix","detectLocal":{"interfaceNamePrefix":"veth"},"conntrack":{"maxPerCore":0,"min":0,"tcpEstablishedTimeout":"0s","tcpCloseWaitTimeout":"0s"}}
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/registries.json <<'END-OF-NODELESS-FILE'
{"kind":"CredentialProviderConfig","apiVersion":"kubelet.config.k8s.io/v1","providers":[{"name":"ecr-credential-provider","apiVersion":"credentialprovider.kubelet.k8s.io/v1","matchImages":["*.dkr.ecr.*.amazonaws.com","*.dkr.ecr-fips.*.amazonaws.com","*.dkr.ecr.*.amazonaws.com.cn","*.dkr.ecr-fips.*.amazonaws.com.cn"],"defaultCacheDuration":"12h"}]}
END-OF-NODELESS-FILE
cat > /etc/cni/net.d/10-nodeless.conflist <<'END-OF-NODELESS-FILE'
{"cniVersion":"0.4.0","name":"nodeless","plugins":[{"type":"ptp","ipMasq":false,"ipam":{"type":"host-local","ranges":"@POD_RANGES@","routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true}}]}
END-OF-NODELESS-FILE
cat > /etc/containerd/config.toml <<'END-OF-NODELESS-FILE'
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt","io.containerd.internal.v1.tracing","io.containerd.snapshotter.v1.aufs","io.containerd.snapshotter.v1.btrfs","io.containerd.snapshotter.v1.devmapper","io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = "/run/containerd/containerd.sock"

[debug]
  level = "warn"

[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "localhost/kubernetes/pause"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/opt/cni/bin"
    conf_dir = "/etc/cni/net.d"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = @SYSTEMD_CGROUP@

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "/etc/containerd/certs.d"
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/identity.sh <<'END-OF-NODELESS-FILE'
#!/bin/sh
set -eu
host=sts.eu-central-1.amazonaws.com
binding=0c5b1a52-5a4e-4f0e-9f0a-6d6c0a6b6f11/$1
imds=http://169.254.169.254/latest
session=$(curl -qsf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $imds/api/token)
meta() { curl -qsf -m 5 -H "X-aws-ec2-metadata-token: $session" "$imds/meta-data/iam/security-credentials/$1"; }
role=$(meta '' | head -n 1)
[ -n "$role" ] || { echo 'the machine has no role: give its CellClass an instanceProfile' >&2; exit 1; }
credentials=$(meta "$role" | tr -d '\n')
field() { printf %s "$credentials" | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'; }
[ -n "$(field AccessKeyId)" ] || { echo "the machine's role $role gives no credentials" >&2; exit 1; }
encode() { sed 's,/,%2F,g; s/+/%2B/g; s/=/%3D/g'; }
sha() { openssl dgst -sha256 -hex | sed 's/.* //'; }
hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" -hex | sed 's/.* //'; }

now=$(date -u +%Y%m%dT%H%M%SZ)
day=${now%T*}
scope=$day/eu-central-1/sts/aws4_request
query="Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
query="$query&X-Amz-Credential=$(printf %s "$(field AccessKeyId)/$scope" | encode)&X-Amz-Date=$now"
query="$query&X-Amz-Expires=60&X-Amz-Security-Token=$(field Token | tr -d '\n' | encode)"
query="$query&X-Amz-SignedHeaders=host%3Bx-nodeless-cell"
request=$(printf 'GET\n/\n%s\nhost:%s\nx-nodeless-cell:%s\n\nhost;x-nodeless-cell\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' \
  "$query" "$host" "$binding" | sha)
key=$(printf 'AWS4%s' "$(field SecretAccessKey)" | od -An -v -tx1 | tr -d ' \n')
for part in "$day" eu-central-1 sts aws4_request; do key=$(printf %s "$part" | hmac "$key"); done
signature=$(printf 'AWS4-HMAC-SHA256\n%s\n%s\n%s' "$now" "$scope" "$request" | hmac "$key")
printf %s "https://$host/?$query&X-Amz-Signature=$signature" | base64 -w 0 | tr '+/' '-_' | tr -d = |
  sed 's/^/k8s-aws-v1./'
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/register.sh <<'END-OF-NODELESS-FILE'
#!/bin/sh
why=$(sh /var/lib/nodeless/bootstrap.sh 2>&1) && exit 0
echo "nodeless: no certificate yet: $why" >&2
[ ! -w /dev/console ] || echo "nodeless: no certificate yet: $why" >> /dev/console
exit 1
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/kubelet.sh <<'END-OF-NODELESS-FILE'
#!/bin/sh
set -eu
. /var/lib/nodeless/address
if [ -x /etc/eks/image-credential-provider/ecr-credential-provider ]; then
  set -- --image-credential-provider-bin-dir=/etc/eks/image-credential-provider --image-credential-provider-config=/var/lib/nodeless/registries.json
fi
exec /usr/bin/kubelet --config=/var/lib/nodeless/kubelet.json --kubeconfig=/var/lib/nodeless/kubeconfig --cert-dir=/var/lib/nodeless/pki \
  --hostname-override=nodeless --node-ip="$address" "$@"
END-OF-NODELESS-FILE
cat > /var/lib/nodeless/kube-proxy.sh <<'END-OF-NODELESS-FILE'
#!/bin/sh
set -eu
until [ -s /var/lib/nodeless/pki/kubelet-client-current.pem ]; do sleep 0.2; done
[ ! -x /usr/bin/kube-proxy ] || exec /usr/bin/kube-proxy --config=/var/lib/nodeless/kube-proxy.json
image=registry.k8s.io/kube-proxy:v1.34.4
ctr -n nodeless images ls -q | grep -qxF "$image" || ctr -n nodeless images pull "$image" > /dev/null
ctr -n nodeless tasks kill -s SIGKILL kube-proxy 2> /dev/null || :
ctr -n nodeless containers rm kube-proxy 2> /dev/null || :
set -- --rm --net-host --privileged
for path in /var/lib/nodeless /lib/modules; do set -- "$@" --mount "type=bind,src=$path,dst=$path,options=rbind:ro"; done
exec ctr -n nodeless run "$@" --mount type=bind,src=/run/xtables.lock,dst=/run/xtables.lock,options=rbind:rw \
  "$image" kube-proxy kube-proxy --config=/var/lib/nodeless/kube-proxy.json
END-OF-NODELESS-FILE
cat > /etc/systemd/system/kubelet.service <<'END-OF-NODELESS-FILE'
[Unit]
Description=kubelet of a cell
Wants=network-online.target
After=network-online.target containerd.service
[Service]
ExecStartPre=/bin/sh /var/lib/nodeless/register.sh
ExecStart=/bin/sh /var/lib/nodeless/kubelet.sh
KillMode=process
OOMScoreAdjust=-999
Restart=always
RestartSec=1
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
END-OF-NODELESS-FILE
cat > /etc/systemd/system/nodeless-kube-proxy.service <<'END-OF-NODELESS-FILE'
[Unit]
Description=Services on a cell
Wants=network-online.target
After=network-online.target containerd.service
[Service]
ExecStart=/bin/sh /var/lib/nodeless/kube-proxy.sh
Restart=always
RestartSec=1
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
END-OF-NODELESS-FILE
echo "address=$address" > /var/lib/nodeless/address
sed -i -e "s|@CGROUP_DRIVER@|$driver|" -e "s|@RESERVED_CPU@|$reserved_cpu|" -e "s|@RESOLV_CONF@|$resolver|" /var/lib/nodeless/kubelet.json
sed -i -e "s|@SYSTEMD_CGROUP@|$systemd|" /etc/containerd/config.toml
sed -i -e "s|\"@POD_RANGES@\"|[[$ranges]]|" /etc/cni/net.d/10-nodeless.conflist
echo 1 > /proc/sys/net/ipv4/ip_forward
touch /run/xtables.lock

if [ ! -x /opt/cni/bin/ptp ]; then
  curl -qfsSL -m 120 --retry 5 -o /var/lib/nodeless/cni.tgz https://github.com/containernetworking/plugins/releases/download/v1.7.1/cni-plugins-linux-amd64-v1.7.1.tgz
  echo '1a28a0506bfe5bcdc981caf1a49eeab7e72da8321f1119b7be85f22621013098  /var/lib/nodeless/cni.tgz' | sha256sum -c -
  tar -xzf /var/lib/nodeless/cni.tgz -C /opt/cni/bin ./host-local ./loopback ./portmap ./ptp
  rm /var/lib/nodeless/cni.tgz
fi
# of the CellClass
(
set +u
echo "of the class: $(uname -m)"
)
systemctl daemon-reload
systemctl enable containerd kubelet nodeless-kube-proxy
systemctl restart --no-block containerd kubelet nodeless-kube-proxy
