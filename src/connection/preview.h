// The first rows of a stream, by the very select of its UNLOAD. They are for a screen: nothing here
// writes them into a log, an error or an event.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/stream.h"
#include "redshift/session.h"

namespace sluice::connection {

struct Preview {
  std::string stream;
  std::vector<model::Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // as the server writes values
};

// As the stream's shape lets them be seen, under the names that they land with; hashes are of
// another salt, which is not sent for a look. Two statements for a table, one more for a view.
// Errors: as redshift::DescribeStream, ApplyShape and BuildSelect, and the Session's. REQUIRES:
// limit > 0.
Preview ReadPreview(redshift::Session& session, std::string_view database,
                    const model::Stream& stream, int limit, const base::Call& call);

}  // namespace sluice::connection
