-- Git worktrees of sessions' own: how they are to be made. Knows the configuration; git is asked by the backend.

local config = require('agor.config')
local message = require('agor.message')

local M = {}

---What the backend makes one by, as WorktreeOptions of src/domain/options.rs.
---@param name string|nil nil: whatever the session's journal says
---@param cwd string
---@return table|nil
---@return string|nil failed
function M.options(name, cwd)
  local wanted = config.get().worktree
  local out = {
    branch = wanted.branch,
    base = wanted.base,
    copy = wanted.copy,
    submodules = wanted.submodules,
  }
  local directory = wanted.directory
  if type(directory) == 'string' then
    out.directory = vim.fs.normalize(directory, { expand_env = false })
  elseif name then
    local top = vim.fs.root(cwd, '.git') or cwd
    local ok, path = pcall(directory, { name = name, cwd = cwd, repository = top })
    if not ok then
      return nil, 'config.worktree.directory fails: ' .. message.line(path)
    elseif type(path) ~= 'string' or not vim.fs.normalize(path):match('^/') then
      return nil,
        ('config.worktree.directory returned %s, which is no absolute path'):format(
          vim.inspect(path)
        )
    end
    out.path = vim.fs.normalize(path)
  end
  return out
end

return M
