locals {
  owner = split("/", var.repository)[0]
  name  = split("/", var.repository)[1]

  # A token's subject begins with the repository: by its names, or by names and ids. Which of the two GitHub writes is a
  # setting of the repository, so both are trusted where the ids are known.
  prefixes = concat(
    ["repo:${var.repository}"],
    [for ids in var.repository_ids[*] : "repo:${local.owner}@${ids.owner}/${local.name}@${ids.repository}"],
  )

  # Names can be given up and taken by others, ids cannot: with ids, a subject of the older form does not suffice.
  repository_id = { for ids in var.repository_ids[*] : "repository_id" => [tostring(ids.repository)] }

  refs = [for branch in var.branches : "refs/heads/${branch}"]

  # A subject ends with the job's branch. A job with an environment has that in its place: the branch is asked for besides.
  trusted = merge(
    { Branches = { sub = [for each in setproduct(local.prefixes, local.refs) : "${each[0]}:ref:${each[1]}"] } },
    { for environment in var.environment[*] : "Environment" => {
      sub = [for prefix in local.prefixes : "${prefix}:environment:${environment}"]
      ref = local.refs
    } },
  )
}
