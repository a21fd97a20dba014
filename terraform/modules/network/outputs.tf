output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Address range of the VPC."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Subnets for load balancers, one for each zone."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Subnets for tasks, one for each zone."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "isolated_subnet_ids" {
  description = "Subnets for the database and the cache, one for each zone."
  value       = [for zone in var.zones : aws_subnet.isolated[zone].id]
}

output "endpoints_security_group_id" {
  description = "Security group of the interface endpoints; null if there are none."
  value       = one(aws_security_group.endpoints[*].id)
}

output "s3_prefix_list_id" {
  description = "Prefix list of S3, for egress rules."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "has_endpoints" {
  description = "Whether there are interface endpoints; known before the first apply."
  value       = length(var.interface_endpoints) > 0
}

output "nat_gateway_ids" {
  description = "Ids of the NAT gateways, by zone."
  value       = { for zone, gateway in aws_nat_gateway.this : zone => gateway.id }
}
