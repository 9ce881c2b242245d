"""Serves the files below a folder as buckets of S3, on loopback, by moto: serve_s3.py FOLDER. Each folder in it is a bucket.

Prints JSON when it is ready: the endpoint, and keys of one who may read the bucket `mine`, and of one with no rights. The
bucket `open` is for everybody. Rights and signatures are checked after a POST of 0 to
/moto-api/reset-auth, from when on anonymous requests are not understood. Ends with its input.
"""

import json
import pathlib
import sys

import boto3
from moto.server import ThreadedMotoServer


def main(folder):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with_keys = dict(endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    s3 = boto3.client("s3", **with_keys)
    iam = boto3.client("iam", **with_keys)
    for bucket in sorted(path for path in pathlib.Path(folder).iterdir() if path.is_dir()):
        s3.create_bucket(Bucket=bucket.name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        acl = "public-read" if bucket.name == "open" else "private"
        for file in sorted(bucket.rglob("*")):
            if file.is_file():
                s3.put_object(Bucket=bucket.name, Key=file.relative_to(bucket).as_posix(), Body=file.read_bytes(), ACL=acl)
    keys = {}
    for name, actions in (("reader", ["s3:GetObject", "s3:ListBucket"]), ("nobody", [])):
        iam.create_user(UserName=name)
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": ["arn:aws:s3:::mine", "arn:aws:s3:::mine/*"]}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys[name] = [key["AccessKeyId"], key["SecretAccessKey"]]
    print(json.dumps({"endpoint": endpoint, "keys": keys}), flush=True)
    sys.stdin.read()
    server.stop()


main(sys.argv[1])
