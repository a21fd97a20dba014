# EDIT HERE: the organization and the workspace in Terraform Cloud. One workspace for each environment:
# its name ends with -<env>, which variables.tf asks for.
terraform {
  cloud {
    organization = "example"

    workspaces {
      name = "chalice-app-dev"
    }
  }
}
