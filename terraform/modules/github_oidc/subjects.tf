locals {
  owner = split("/", var.repository)[0]
  name  = split("/", var.repository)[1]

  # A token's subject begins with the repository, by names or by names and ids, depending on a setting of the repository.
  # So both are trusted if the ids are known.
  prefixes = concat(
    ["repo:${var.repository}"],
    [for ids in var.repository_ids[*] : "repo:${local.owner}@${ids.owner}/${local.name}@${ids.repository}"],
  )

  # Someone else can take over a repository name, but not an id: with ids, every token must have the repository's id too.
  repository_id = { for ids in var.repository_ids[*] : "repository_id" => [tostring(ids.repository)] }

  refs = [for branch in var.branches : "refs/heads/${branch}"]

  # A subject ends with the job's branch, or with its environment if it has one; then the claim `ref` has the branch.
  trusted = merge(
    { Branches = { sub = [for each in setproduct(local.prefixes, local.refs) : "${each[0]}:ref:${each[1]}"] } },
    { for environment in var.environment[*] : "Environment" => {
      sub = [for prefix in local.prefixes : "${prefix}:environment:${environment}"]
      ref = local.refs
    } },
  )
}
