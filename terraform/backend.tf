# EDIT HERE: the organization and the workspace in Terraform Cloud. One workspace for each environment.
terraform {
  cloud {
    organization = "example"

    workspaces {
      name = "chalice-app-dev"
    }
  }
}
