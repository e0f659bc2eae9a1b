"""imagebuilder base URL and path. Which operation a path means, the service's model says."""

from local_aws.imagebuilder.responses import ImageBuilderResponse

url_bases = [r"https?://imagebuilder\.(.+)\.amazonaws\.com"]

url_paths = {"{0}/.*$": ImageBuilderResponse.dispatch}
