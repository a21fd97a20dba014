"""Reports that have no row in `test_other_projects.py`: by the file and the name of the test that tries them."""

ELSEWHERE: dict[str, dict[str, list[str]]] = {
    "contract/connections/test_connections.py": {
        "test_after_both_content_length_and_chunked_nothing_more_is_read": ["Pylons/waitress#464"],
    },
    "contract/connections/test_wire.py": {
        "test_clients_that_disconnect_early_do_no_harm": ["Pylons/waitress#310"],
        "test_every_byte_may_be_percent_encoded": ["Pylons/waitress#346", "emmett-framework/granian#531"],
        "test_ambiguous_framing_is_refused_and_a_request_after_it_gets_no_response": [
            "Pylons/waitress#474",
            "benoitc/gunicorn#2176",
        ],
        "test_what_is_not_a_request_is_refused": ["Kludex/uvicorn#3125", "Pylons/waitress#503"],
    },
    "contract/reports/test_other_projects.py": {
        "test_an_app_answers_so": ["Kludex/mangum#90"],
        "test_the_host_of_a_target_counts_more_than_the_header": ["Pylons/waitress#467"],
        "test_205_has_no_content": ["fastapi/fastapi#16386"],
    },
    "contract/requests/test_base_path.py": {
        "test_the_prefix_is_stripped_once": ["zappa/Zappa#423", "aws/aws-lambda-web-adapter#23"],
        "test_similar_prefixes_are_not_stripped": ["zappa/Zappa#1460"],
        "test_probes_work_with_and_without_it": ["aws/aws-lambda-web-adapter#82"],
    },
    "contract/requests/test_bodies.py": {
        "test_a_body_arrives_as_it_was_sent": ["logandk/serverless-wsgi#41"],
        "test_a_body_above_the_limit_gets_413": ["Pylons/waitress#351"],
        "test_expect_gets_100_before_the_body_is_sent": ["Kludex/uvicorn#88"],
    },
    "contract/requests/test_client_address.py": {
        "test_headers_of_a_trusted_proxy_reach_the_app": ["logandk/serverless-wsgi#113"],
        "test_behind_one_proxy_it_is_the_last_address": ["Kludex/uvicorn#590"],
        "test_behind_two_proxies_it_is_the_last_but_one": ["Pylons/waitress#223"],
    },
    "contract/requests/test_query_and_headers.py": {
        "test_header_names_are_the_same_in_every_runtime": ["zappa/Zappa#448"],
        "test_an_underscore_is_not_a_hyphen": ["Pylons/waitress#80"],
        "test_the_event_has_all_values_and_the_last_value_of_a_header": ["emmett-framework/granian#717"],
    },
    "contract/requests/test_routing.py": {
        "test_parameters_stay_encoded_as_sent": ["Pylons/waitress#212", "Kludex/uvicorn#261"],
    },
    "contract/responses/test_responses.py": {
        "test_each_cookie_is_a_header_of_its_own": [
            "Miserlou/Zappa#990",
            "Miserlou/Zappa#1965",
            "logandk/serverless-wsgi#11",
            "emmett-framework/granian#53",
        ],
        "test_a_client_that_accepts_the_binary_type_gets_bytes": ["aws/aws-lambda-web-adapter#451"],
        "test_204_and_304_have_no_body_and_keep_the_connection": ["Pylons/waitress#165"],
        "test_the_apps_headers_of_the_connection_are_dropped": ["benoitc/gunicorn#2875"],
        "test_head_has_no_body_but_its_length": ["benoitc/gunicorn#3621"],
    },
    "contract/runtimes/test_mangum.py": {
        "test_each_cookie_is_returned": ["Kludex/mangum#129", "Kludex/mangum#187"],
        "test_a_base_path_that_mangum_strips_is_a_mount": ["Kludex/mangum#203"],
        "test_a_binary_response_is_returned_byte_for_byte": ["Kludex/mangum#275"],
        "test_our_base_path_is_stripped_too": ["Kludex/mangum#318", "aws/aws-lambda-web-adapter#490"],
        "test_every_value_of_a_query_arrives": ["Kludex/mangum#178"],
        "test_the_request_is_the_same_in_every_kind_of_event": ["logandk/serverless-wsgi#146"],
    },
    "fargate/gateway/test_integration.py": {
        "test_the_log_says_what_is_wrong": ["Miserlou/Zappa#627"],
    },
    "fargate/servers/test_capacity.py": {
        "test_idle_connections_cannot_exhaust_the_limit": ["Pylons/waitress#301"],
        "test_the_defaults_exceed_a_load_balancers_connections_and_its_idle_timeout_of_60_s": ["kserve/kserve#5446"],
    },
    "fargate/servers/test_drain.py": {
        "test_while_draining_readiness_is_503_and_liveness_200": ["aws/aws-lambda-web-adapter#39"],
        "test_under_load_nothing_is_lost": ["aws/aws-lambda-web-adapter#202"],
        "test_an_idle_server_ends_at_once_without_a_traceback": ["emmett-framework/granian#568"],
    },
}
