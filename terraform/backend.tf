# EDIT HERE: the organization and the workspace in Terraform Cloud. Each environment has its own workspace, whose name
# ends with -<env>; variables.tf checks that.
terraform {
  cloud {
    organization = "example"

    workspaces {
      name = "chalice-app-dev"
    }
  }
}
