-- What is fetched for a machine, and which checksum it must have.

local install = require('agor.install')

local T = {}

---@param got any
---@param want any
local function equal(got, want)
  if got ~= want then
    error(('got %s, want %s'):format(vim.inspect(got), vim.inspect(want)), 2)
  end
end

---@param sysname string
---@param machine string
---@param want string|nil
local function asset(sysname, machine, want)
  equal(install.asset('1.2.3', { sysname = sysname, machine = machine }), want)
end

T['each machine has a name of its own'] = function()
  asset('Linux', 'x86_64', 'agor-nvim-1.2.3-x86_64-linux')
  asset('Linux', 'aarch64', 'agor-nvim-1.2.3-aarch64-linux')
  asset('Darwin', 'arm64', 'agor-nvim-1.2.3-aarch64-macos')
  asset('Darwin', 'x86_64', 'agor-nvim-1.2.3-x86_64-macos')
  asset('Windows_NT', 'x86_64', nil)
  asset('Linux', 'riscv64', nil)
  asset('FreeBSD', 'amd64', nil)
end

T['a release builds what the installer looks for'] = function()
  local root = require('agor.provider').plugin_root()
  local workflow = table.concat(vim.fn.readfile(root .. '/.github/workflows/release.yml'), '\n')
  local script = table.concat(vim.fn.readfile(root .. '/scripts/release-binary'), '\n')
  assert(script:find('name=agor-nvim-$version-$machine-$system\n', 1, true))
  for _, system in ipairs({ 'linux', 'macos' }) do
    assert(script:find('system=' .. system, 1, true), system)
  end
  for _, target in ipairs({
    'x86_64-unknown-linux-musl',
    'aarch64-unknown-linux-musl',
    'aarch64-apple-darwin',
    'x86_64-apple-darwin',
  }) do
    assert(workflow:find('target: ' .. target, 1, true), target)
  end
end

T['on Windows it is said at once that WSL is the way'] = function()
  local said = {}
  install.run({
    root = '/nowhere',
    version = '1.2.3',
    protocol = 1,
    releases = install.releases,
    uname = { sysname = 'Windows_NT', machine = 'x86_64' },
  }, function(text)
    error('nothing is tried: ' .. text)
  end, function(err, path)
    table.insert(said, { err, path })
  end)
  equal(#said, 1)
  equal(said[1][2], nil)
  assert(said[1][1]:find('run Neovim in WSL', 1, true), said[1][1])
  equal(require('agor.build').foreign('Linux'), nil)
  equal(require('agor.build').foreign('Darwin'), nil)
end

T['nor is anything built on Windows, whatever cargo there is'] = function()
  local build = require('agor.build')
  local root = require('agor.provider').plugin_root()
  local uname = vim.uv.os_uname
  vim.uv.os_uname = function()
    return { sysname = 'Windows_NT', machine = 'x86_64', release = '', version = '' }
  end
  local ok, objection = pcall(build.objection, root, 'cargo 1.99.0')
  vim.uv.os_uname = uname
  assert(ok, objection)
  equal(objection, build.foreign('Windows_NT'))
  equal(build.objection(root, 'cargo 1.99.0'), nil)
end

local sum = ('0123456789abcdef'):rep(4)

---@param text string
---@param want string|nil
local function checksum(text, want)
  equal(install.checksum(text, 'agor-nvim-1.2.3-x86_64-linux'), want)
end

T['a checksum is that of the very name'] = function()
  checksum(sum .. '  agor-nvim-1.2.3-x86_64-linux\n', sum)
  checksum('# a comment\r\n' .. sum:upper() .. ' *agor-nvim-1.2.3-x86_64-linux\r\n', sum)
  checksum(sum .. '  agor-nvim-1.2.3-x86_64-linux.old\n', nil)
  checksum(sum .. '  agor-nvim-1.2.4-x86_64-linux\n', nil)
  checksum('# ' .. sum .. '  agor-nvim-1.2.3-x86_64-linux\n', nil)
  checksum(sum:sub(2) .. '  agor-nvim-1.2.3-x86_64-linux\n', nil)
  checksum('', nil)
end

T['what computes checksums says them each in its way'] = function()
  equal(install.sum_of(sum .. '  /tmp/deadbeef/file\n'), sum)
  equal(install.sum_of(sum:upper() .. ' */tmp/file\n'), sum)
  equal(install.sum_of('no such file'), nil)
end

T['who has neither a release nor cargo is not sent back to the release'] = function()
  local root = require('agor.provider').plugin_root()
  local objection = require('agor.build').objection
  assert(assert(objection(root, nil)):find('or fetch a release with :Agor install', 1, true))
  assert(not assert(objection(root, nil, true)):find(':Agor install', 1, true))
end

T['a folder that cannot be made is told, and it is built instead'] = function()
  local root = vim.fn.tempname()
  vim.fn.mkdir(root)
  vim.fn.writefile({ sum .. '  agor-nvim-1.2.3-x86_64-linux' }, root .. '/checksums.txt')
  vim.fn.writefile({ 'a file' }, root .. '/bin')
  local build, programs = require('agor.build'), require('agor.programs')
  local run, find = build.run, programs.find
  build.run = function(_, done)
    done('no cargo')
  end
  programs.find = function(name)
    return '/usr/bin/' .. name
  end
  local said
  local ok, err = pcall(install.run, {
    root = root,
    version = '1.2.3',
    protocol = 1,
    releases = 'file:///none',
    uname = { sysname = 'Linux', machine = 'x86_64' },
  }, function() end, function(failed)
    said = failed
  end)
  build.run, programs.find = run, find
  vim.fn.delete(root, 'rf')
  assert(ok, err)
  equal(
    said,
    ('the backend was neither fetched nor built: the folder %s/bin cannot be made; and no cargo'):format(
      root
    )
  )
end

T['a backend that is built and cannot be put in its place is told'] = function()
  local root = vim.fn.tempname()
  local here = require('agor.provider').plugin_root()
  vim.fn.mkdir(root .. '/lua/agor', 'p')
  vim.fn.mkdir(root .. '/path')
  vim.fn.writefile(vim.fn.readfile(here .. '/lua/agor/build.lua'), root .. '/lua/agor/build.lua')
  vim.fn.writefile({
    '#!/bin/sh',
    '[ "$1" != --version ] || exec echo cargo 99.0.0',
    'mkdir -p target/release && echo built >target/release/agor-nvim',
  }, root .. '/path/cargo')
  vim.uv.fs_chmod(root .. '/path/cargo', 448) -- 0700
  vim.fn.writefile({ 'a file' }, root .. '/bin')
  local path = vim.env.PATH
  vim.env.PATH = root .. '/path:' .. path
  local build, said = dofile(root .. '/lua/agor/build.lua'), {}
  local function run()
    local over = false
    build.run(function() end, function(...)
      over, said = true, { ... }
    end)
    vim.wait(20000, function()
      return over
    end)
    return over
  end
  local told = run() and said[1]
  vim.fn.delete(root .. '/bin')
  local again = run() and said
  local built = vim.fn.filereadable(root .. '/bin/agor-nvim')
  vim.env.PATH = path
  vim.fn.delete(root, 'rf')
  equal(
    told,
    ('the backend is built, but the folder %s/bin cannot be made: file already exists. Once it can, run :Agor build again'):format(
      root
    )
  )
  equal(again and again[1], nil)
  equal(again and again[2], root .. '/bin/agor-nvim')
  equal(built, 1)
end

T['the checksums of this checkout can be read'] = function()
  local root = require('agor.provider').plugin_root()
  for _, line in ipairs(vim.fn.readfile(root .. '/checksums.txt')) do
    local name = line:match('^%x+ [ *](.+)$')
    assert(line:find('^#') or (name and install.checksum(line, name)), line)
  end
end

return T
