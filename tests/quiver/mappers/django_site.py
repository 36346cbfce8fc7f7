"""A Django project in one file: contributed applications, admin, and a model with PostgreSQL's own fields.

Run with DATABASE_HOST, DATABASE_PORT and DATABASE_NAME of an empty database; it migrates, works as a site does, and prints
what it sees, one fact a line.
"""

from __future__ import annotations

import datetime
import decimal
import io
import os
import uuid
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models, transaction
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["testserver"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["DATABASE_NAME"], "USER": "postgres",
            "HOST": os.environ["DATABASE_HOST"], "PORT": os.environ["DATABASE_PORT"],
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
        "django.contrib.messages", "django.contrib.sites", "django.contrib.redirects", "django.contrib.flatpages",
        "django.contrib.postgres",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="of a test",
    SITE_ID=1,
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    USE_TZ=True,
)  # fmt: skip
django.setup()

from django.contrib import admin  # noqa: E402 (models need the settings)
from django.contrib.auth.models import Group, Permission, User  # noqa: E402
from django.contrib.postgres.aggregates import ArrayAgg, StringAgg  # noqa: E402
from django.contrib.postgres.fields import ArrayField  # noqa: E402
from django.db.models import Avg, Count, Exists, F, OuterRef, Q, Sum, Value, Window  # noqa: E402
from django.db.models.functions import Coalesce, Concat, Now, Rank, TruncMonth  # noqa: E402
from django.test import Client  # noqa: E402


class Shelf(models.Model):
    name = models.CharField(max_length=20, unique=True)

    class Meta:
        app_label = "sites"


class Book(models.Model):
    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="books", null=True)
    title = models.CharField(max_length=50, db_comment="as printed")
    facts = models.JSONField(default=dict)
    tags = ArrayField(models.CharField(max_length=10), default=list)
    price = models.DecimalField(max_digits=8, decimal_places=2, db_default=decimal.Decimal("1.50"))
    key = models.UUIDField(null=True)
    at = models.DateTimeField(db_default=Now())
    lent = models.DurationField(null=True)
    cover = models.BinaryField(null=True)
    cents = models.GeneratedField(
        expression=F("price") * 100,
        output_field=models.DecimalField(max_digits=10, decimal_places=2),
        db_persist=True,
    )

    class Meta:
        app_label = "sites"
        ordering = ("id",)
        indexes = (models.Index(fields=["title", "-price"], name="by_title"),)
        constraints = (
            models.CheckConstraint(condition=Q(price__gte=0), name="not_negative"),
            models.UniqueConstraint(fields=["shelf", "title"], name="once_a_shelf"),
            models.UniqueConstraint(fields=["key"], condition=Q(shelf__isnull=False), name="one_key"),
        )


admin.site.register(Book)
urlpatterns = [path("admin/", admin.site.urls)]


def say(name: str, value: Any) -> None:
    print(f"{name}: {value}")


def commands(name: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, no_color=True)
    return out.getvalue()


def migrate() -> None:
    say("migrated", commands("migrate", "--verbosity=1"))
    say("applied", commands("showmigrations"))
    say("checked", commands("check", "--database=default"))
    with connection.schema_editor() as editor:
        editor.create_model(Shelf)
        editor.create_model(Book)
    say("permissions", list(Permission.objects.order_by("id").values_list("codename", flat=True)))


def use_admin() -> None:
    User.objects.create_superuser("ada", "ada@example.org", "secret")
    client = Client()
    say("anonymous", client.get("/admin/").status_code)
    say("wrong", b"errornote" in client.post("/admin/login/", {"username": "ada", "password": "x"}).content)
    entry = client.post("/admin/login/?next=/admin/", {"username": "ada", "password": "secret"})
    say("logged in", (entry.status_code, entry["Location"]))
    say("index", client.get("/admin/").status_code)
    form = {
        "username": "bob",
        "password1": "Long-enough-1",
        "password2": "Long-enough-1",
        "usable_password": "true",
    }
    say("added", client.post("/admin/auth/user/add/", form).status_code)
    say("found", b"1 user" in client.get("/admin/auth/user/?q=bob").content)
    say("filtered", client.get("/admin/auth/user/?is_staff__exact=1&o=-1").status_code)
    bob = User.objects.get(username="bob")
    say("history", client.get(f"/admin/auth/user/{bob.pk}/history/").status_code)
    action = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
    say("deleted", client.post("/admin/auth/user/", action).status_code)
    say("left", list(User.objects.values_list("username", flat=True)))
    group = Group.objects.create(name="readers")
    group.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    say("may", User.objects.get(username="ada").has_perm("auth.view_user"))


def write_books() -> None:
    low, high = Shelf.objects.bulk_create([Shelf(name="low"), Shelf(name="high")])
    at = datetime.datetime(2024, 1, 31, 12, tzinfo=datetime.UTC)
    books = [
        Book(
            shelf=(low, high, None)[number % 3], title=f"Book {number}", facts={"pages": number * 10, "by": {"name": "Ö"}},
            tags=["a", f"t{number % 2}"], key=uuid.UUID(int=number), at=at + datetime.timedelta(days=30 * number),
            lent=datetime.timedelta(hours=number), cover=bytes([number]), price=decimal.Decimal(number) / 2,
        )
        for number in range(9)
    ]  # fmt: skip
    Book.objects.bulk_create(books, batch_size=4)
    say("created", Book.objects.create(title="Alone").price)
    again = [Shelf(name="low"), Shelf(name="top")]
    say("upserted", [s.name for s in Shelf.objects.bulk_create(
        again, update_conflicts=True, unique_fields=["name"], update_fields=["name"]
    )])  # fmt: skip
    say("got", Shelf.objects.get_or_create(name="top")[1])
    for book in books:
        book.title += "!"
    say("bulk", Book.objects.bulk_update(books, ["title"]))
    say("updated", Book.objects.filter(price__gt=3).update(price=F("price") + 1, facts={"pages": None}))
    say("failures", failures(low))


def failures(shelf: Shelf) -> list[str]:
    found = []
    for book in (
        Book(title="x", price=-1),
        Book(title="Book 0!", shelf=shelf),
        Book(title="x", shelf_id=12345),
    ):
        try:
            with transaction.atomic():
                book.save()
                connection.check_constraints()
        except django.db.IntegrityError as error:
            found.append(f"{type(error).__name__} {error.__cause__.sqlstate}")  # type: ignore[union-attr]
    return found


def read_books() -> None:
    books = Book.objects.all()
    say(
        "json",
        list(books.filter(facts__by__name="Ö", facts__pages__gt=10).values_list("facts__pages", flat=True)),
    )
    say("has key", books.filter(facts__has_key="by").count())
    say("contains", books.filter(facts__contains={"pages": 20}).count())
    say("json null", books.filter(facts__pages=None).count())
    say("array", [books.filter(tags__contains=["t1"]).count(), books.filter(tags__1="t0").count(),
                  books.filter(tags__len=2).count(), books.filter(tags__overlap=["t0", "zzz"]).count()])  # fmt: skip
    say("aggregate", books.aggregate(Sum("price"), Avg("price"), Count("shelf", distinct=True)))
    say("grouped", list(Shelf.objects.annotate(n=Count("books"), s=Coalesce(Sum("books__price"), decimal.Decimal(0)))
                        .order_by("name").values_list("name", "n", "s")))  # fmt: skip
    say("lists", list(Shelf.objects.order_by("name").values_list("name").annotate(
        titles=ArrayAgg("books__title", ordering="books__id"), text=StringAgg("books__title", ",", ordering="books__id")
    )))  # fmt: skip
    rank = Window(Rank(), partition_by=F("shelf"), order_by=F("price").desc())
    say(
        "ranked",
        list(
            books.annotate(rank=rank)
            .filter(rank__lte=2)
            .order_by("shelf", "rank")
            .values_list("title", "rank")
        ),
    )
    say("months", list(books.filter(shelf__isnull=False).annotate(month=TruncMonth("at")).values("month")
                       .annotate(n=Count("id")).order_by("month").values_list("month", "n")))  # fmt: skip
    say("exists", list(Shelf.objects.filter(Exists(Book.objects.filter(shelf=OuterRef("pk"), price__gt=3)))
                       .order_by("name").values_list("name", flat=True)))  # fmt: skip
    say("lookups", [books.filter(title__icontains="BOOK").count(), books.filter(title__iregex="^b.*[13]!$").count(),
                    books.filter(at__year=2024, at__week_day__in=[1, 2, 3]).count(), books.filter(lent__gt=datetime.timedelta(hours=3)).count()])  # fmt: skip
    say(
        "union",
        list(
            books.filter(price__lt=1)
            .values_list("title")
            .union(Shelf.objects.values_list("name"))
            .order_by("title")
        ),
    )
    say(
        "concat",
        books.annotate(full=Concat("title", Value("/"), "shelf__name")).values_list("full", flat=True)[0],
    )
    one = books.select_related("shelf").prefetch_related("shelf__books").defer("cover")[1]
    say(
        "one",
        (
            one.shelf.name,
            len(one.shelf.books.all()),
            one.cents,
            one.lent,
            bytes(one.cover),
            one.key,
            one.at.isoformat(),
        ),
    )
    with transaction.atomic():
        say("locked", books.select_for_update(of=("self",)).get(pk=one.pk).title)
    say("iterated", sum(1 for _ in books.iterator(chunk_size=2)))
    say("deleted", Shelf.objects.filter(name="low").delete())


def introspect() -> None:
    say("inspected", commands("inspectdb"))
    with connection.cursor() as cursor:
        for table in ("sites_book", "auth_user_groups"):
            found = connection.introspection.get_constraints(cursor, table)
            for name, constraint in sorted(found.items()):
                say(name, sorted(constraint.items()))
            say("sequences", connection.introspection.get_sequences(cursor, table))
    commands("flush", "--no-input")
    say("flushed", Book.objects.count())
    with connection.schema_editor() as editor:
        editor.delete_model(Book)
        editor.delete_model(Shelf)
    say("unmigrated", commands("migrate", "admin", "zero"))


if __name__ == "__main__":
    migrate()
    use_admin()
    write_books()
    read_books()
    introspect()
