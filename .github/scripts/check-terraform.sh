#!/usr/bin/env bash
# Checks the format of terraform/, initialises it with its Terraform Cloud workspace, and validates it.
#
#   TF_TOKEN_app_terraform_io   the token for Terraform Cloud
set -euo pipefail

fail() {
    echo "::error::$1"
    exit 1
}

[[ -n ${TF_TOKEN_app_terraform_io:-} ]] || fail "The secret TERRAFORM_CLOUD_TOKEN is not set; docs/deploying.md explains how to create it."

terraform -chdir=terraform fmt -check -diff -recursive || fail "terraform/ is not formatted: terraform fmt -recursive terraform"
terraform -chdir=terraform init -input=false
terraform -chdir=terraform validate
