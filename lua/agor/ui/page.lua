--- A page that an agent wants opened, in the user's browser. Only what can be nothing but a page: an address of another
--- kind could start any program.

local M = {}

---@param url string
---@return boolean
function M.is_safe(url)
  return url:match('^[hH][tT][tT][pP][sS]?://[^%s%c]+$') ~= nil
end

---@param url string
---@return boolean opened as far as can be seen
function M.open(url)
  local message = require('agor.message')
  if not M.is_safe(url) then
    message.warn('this address is not opened: it does not begin with http:// or https://')
    return false
  end
  local ok, job, failed = pcall(vim.ui.open, url)
  if not ok or not job then
    local why = tostring(ok and failed or job):gsub('\n.*', '')
    message.error(('the page could not be opened (%s): %s'):format(why, url))
    return false
  end
  return true
end

return M
