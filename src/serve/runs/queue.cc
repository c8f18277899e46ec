#include "serve/runs/queue.h"

#include <deque>
#include <optional>
#include <set>

namespace sluice::serve {
namespace {

struct TenantQueue {
  std::deque<const QueueEntry*> waiting;
  int running = 0;
  int limit = 0;
  std::optional<base::SteadyTime> last_began;  // nullopt: never, which is longest ago
};

class Chooser {
 public:
  Chooser(const std::vector<QueueEntry>& waiting, const std::vector<QueueEntry>& running,
          const QueueLimits& limits, const std::map<std::string, base::SteadyTime>& last_began)
      : places_(limits.overall - static_cast<int>(running.size())) {
    for (const QueueEntry& entry : waiting) tenants_[entry.tenant].waiting.push_back(&entry);
    for (const QueueEntry& entry : running) {
      busy_.insert(entry.pipeline);
      busy_.insert(entry.destination);
      const auto tenant = tenants_.find(entry.tenant);
      if (tenant != tenants_.end()) ++tenant->second.running;
    }
    for (auto& [id, tenant] : tenants_) {
      tenant.limit = limits.of_tenant(id);
      const auto began = last_began.find(id);
      if (began != last_began.end()) tenant.last_began = began->second;
    }
  }

  std::vector<std::string> Choose(base::SteadyTime now) {
    std::vector<std::string> chosen;
    while (places_ > 0) {
      TenantQueue* const tenant = Next();
      if (tenant == nullptr) break;
      const QueueEntry* const entry = tenant->waiting.front();
      tenant->waiting.pop_front();
      busy_.insert(entry->pipeline);
      busy_.insert(entry->destination);
      ++tenant->running;
      tenant->last_began = now;
      --places_;
      chosen.push_back(entry->run);
    }
    return chosen;
  }

 private:
  bool IsFree(const QueueEntry& entry) const {
    return busy_.count(entry.pipeline) == 0 && busy_.count(entry.destination) == 0;
  }

  // Nothing becomes free while we choose: what is in the way now stays so.
  void DropBusy(TenantQueue& tenant) const {
    while (!tenant.waiting.empty() && !IsFree(*tenant.waiting.front())) tenant.waiting.pop_front();
  }

  TenantQueue* Next() {
    TenantQueue* best = nullptr;
    for (auto& [id, tenant] : tenants_) {
      if (tenant.running >= tenant.limit) continue;
      DropBusy(tenant);
      if (tenant.waiting.empty()) continue;
      if (best == nullptr || IsBefore(tenant, *best)) best = &tenant;
    }
    return best;
  }

  static bool IsBefore(const TenantQueue& a, const TenantQueue& b) {
    if (a.running != b.running) return a.running < b.running;
    return a.last_began < b.last_began;  // nullopt is least
  }

  int places_;
  std::map<std::string, TenantQueue> tenants_;
  std::set<std::string> busy_;  // pipelines and destinations
};

}  // namespace

std::vector<std::string> ChooseRuns(const std::vector<QueueEntry>& waiting,
                                    const std::vector<QueueEntry>& running,
                                    const QueueLimits& limits,
                                    const std::map<std::string, base::SteadyTime>& last_began,
                                    base::SteadyTime now) {
  return Chooser(waiting, running, limits, last_began).Choose(now);
}

}  // namespace sluice::serve
